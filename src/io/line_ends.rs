//! Where lines end: at line feeds, or in a text without one at carriage returns, as old Macs and Excel for Mac write them.

use std::io::{self, BufRead, ErrorKind, Read};

/// How much is looked at before a carriage return counts as a line's end. A text in which no line ends before is looked at
/// as far as its first line goes.
const LOOK: usize = 1 << 16;

/// Bytes of a line, at most: a chromosome without line ends has no more.
pub(super) const LONGEST: u64 = u32::MAX as u64;

/// The byte that ends lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// Also after a carriage return (CRLF).
    Feed,
    Return,
}

impl LineEnd {
    pub fn byte(self) -> u8 {
        match self {
            LineEnd::Feed => b'\n',
            LineEnd::Return => b'\r',
        }
    }
}

/// A reader whose first bytes can be looked at before they are read. What fails while looking fails when it is reached.
pub(super) struct Looked<R> {
    head: Vec<u8>,
    taken: usize,
    failure: Option<io::Error>,
    rest: R,
    end: Option<LineEnd>,
}

impl<R: BufRead> Looked<R> {
    pub fn new(rest: R) -> Self {
        Looked {
            head: Vec::new(),
            taken: 0,
            failure: None,
            rest,
            end: None,
        }
    }

    /// How lines end; looks at the first bytes when it is asked first.
    pub fn line_end(&mut self) -> LineEnd {
        match self.end {
            Some(end) => end,
            None => {
                let end = self.look();
                self.end = Some(end);
                end
            }
        }
    }

    /// The bytes that were looked at: the first line at least.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    fn look(&mut self) -> LineEnd {
        let mut seen = Seen::default();
        loop {
            let count = match self.rest.fill_buf() {
                Ok(piece) => {
                    self.head.extend_from_slice(piece);
                    seen.add(piece);
                    piece.len()
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => {
                    self.failure = Some(e);
                    0
                }
            };
            self.rest.consume(count);
            if seen.length as u64 > LONGEST {
                // Where lines end no longer matters: the reader refuses this one.
                return LineEnd::Feed;
            }
            if let Some(end) = seen.end(count == 0) {
                return end;
            }
        }
    }
}

/// What the pieces that were looked at hold.
#[derive(Default)]
struct Seen {
    length: usize,
    /// A byte that no text has.
    nul: bool,
    feed: bool,
    /// A return with something after it.
    inside: bool,
    /// A return as the last byte: a feed may follow it.
    last: bool,
}

impl Seen {
    fn add(&mut self, piece: &[u8]) {
        let Some((last, before)) = piece.split_last() else {
            return;
        };
        self.length += piece.len();
        self.nul |= piece.contains(&0);
        self.feed |= piece.contains(&b'\n');
        self.inside |= self.last || before.contains(&b'\r');
        self.last = *last == b'\r';
    }

    /// How lines end, once that is certain or there is no more.
    fn end(&self, whole: bool) -> Option<LineEnd> {
        // What is no text may have no line end at all.
        if self.feed || self.nul && self.length >= LOOK {
            return Some(LineEnd::Feed);
        }
        match self.inside || self.last {
            true if whole || self.inside && self.length >= LOOK => Some(LineEnd::Return),
            false if whole => Some(LineEnd::Feed),
            _ => None,
        }
    }
}

impl<R: BufRead> BufRead for Looked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken < self.head.len() {
            return Ok(&self.head[self.taken..]);
        }
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.rest.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        if self.taken < self.head.len() {
            self.taken += count;
        } else {
            self.rest.consume(count);
        }
    }
}

impl<R: BufRead> Read for Looked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// In pieces of one byte, as a slow pipe may give them.
    fn looked(text: &[u8]) -> Looked<BufReader<&[u8]>> {
        Looked::new(BufReader::with_capacity(1, text))
    }

    #[test]
    fn a_return_ends_lines_where_no_feed_comes() {
        let long = [vec![b'x'; LOOK - 1], b"\r\ny".to_vec()].concat();
        let no_line = [vec![b'x'; 2 * LOOK], b"\ry".to_vec()].concat();
        for (text, expected) in [
            (&b"a\nb"[..], LineEnd::Feed),
            (b"a\r\nb", LineEnd::Feed),
            (b"a\rb\nc", LineEnd::Feed),
            (b"a", LineEnd::Feed),
            (b"", LineEnd::Feed),
            (b"a\r", LineEnd::Return),
            (b"a\rb", LineEnd::Return),
            (&long, LineEnd::Feed),
            (&no_line, LineEnd::Return),
        ] {
            let mut reader = looked(text);
            assert_eq!(reader.line_end(), expected, "{:?}", text.get(..9));
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            assert_eq!(all, text);
        }
    }

    #[test]
    fn no_more_is_looked_at_than_is_needed() {
        for (text, expected) in [(b"a\nb\rc\r".to_vec(), 2), (b"a\r".repeat(LOOK), LOOK)] {
            let mut reader = looked(&text);
            reader.line_end();
            assert_eq!(reader.head().len(), expected);
        }
    }

    #[test]
    fn a_failure_comes_after_what_was_read_before_it() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::UnexpectedEof.into())
            }
        }
        let mut reader = Looked::new(BufReader::new((&b"a\rb"[..]).chain(Failing)));
        assert_eq!(reader.line_end(), LineEnd::Return);
        let mut line = Vec::new();
        assert_eq!(reader.read_until(b'\r', &mut line).unwrap(), 2);
        let error = reader.read_until(b'\r', &mut line).unwrap_err();
        assert_eq!(
            (error.kind(), &line[..]),
            (ErrorKind::UnexpectedEof, &b"a\rb"[..])
        );
    }
}
