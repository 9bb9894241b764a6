//! Numbers of any size: an error, never an abort.
