"""Articles out of HTML: by a profile, or without one."""
