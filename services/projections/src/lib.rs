//! Views of the log that answer lists, and the public event feed.
