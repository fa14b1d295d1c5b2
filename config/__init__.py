"""What the admin wrote, checked. Makes `Settings`; imports nothing of the house."""
