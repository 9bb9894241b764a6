//! The bytes of a stream, which are there once.

use std::sync::Arc;

/// The bytes of a stream, read to its end.
#[derive(Clone, Debug)]
pub(super) struct Kept(pub Arc<Vec<u8>>);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
