//! MEME files of every collection, and how -mo finds its factor.
