"""What the commands show: tables for people, documents for programs."""
