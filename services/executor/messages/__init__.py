"""Messages to people: how they are worded, and how they leave."""
