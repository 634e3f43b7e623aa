"""Notification of alarms: what is sent to whom, and the senders."""
