"""Tests of `services/management`."""
