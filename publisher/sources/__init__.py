"""Where items come from: kinds of sources, how they fetch, and how what they fetch is read."""
