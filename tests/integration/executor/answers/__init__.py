"""Every row of `docs/reference/answers.md`, played against two executors on the real servers."""
