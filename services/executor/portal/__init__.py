"""The default portal: pages for whoever does not render flows themselves."""
