//! Text input: plain, gzip or bgzip, read line by line with the line's number at hand.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::foreign;
use super::kept::Kept;
use super::line_ends::{LONGEST, LineEnd, Looked};
use crate::numbers::counted;
use crate::{Error, Result};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The empty block that ends every complete bgzip file (SAM specification, section 4.1.2).
pub(super) const BGZF_END: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0,
    0, 0, 0, 0,
];
/// Enough to tell bgzip (its extra field is at bytes 12 to 15) from other gzip.
const PREFIX: usize = 18;

/// How a file's bytes are packed, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    /// Gzip in blocks, which an index (.gzi) can address.
    Bgzip,
}

impl Packing {
    /// What the first bytes of the file at `path` say.
    pub fn of(path: &Path) -> Result<Packing> {
        let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
        let prefix = read_prefix(&mut file).map_err(|e| Error::io(path, e))?;
        Ok(Packing::of_prefix(&prefix))
    }

    fn of_prefix(prefix: &[u8]) -> Packing {
        if !prefix.starts_with(&GZIP_MAGIC) {
            Packing::Plain
        } else if prefix.get(3).is_some_and(|flags| flags & 4 != 0)
            && prefix.get(12..14) == Some(b"BC")
        {
            Packing::Bgzip
        } else {
            Packing::Gzip
        }
    }
}

/// Where a text's bytes come from.
pub(super) enum Bytes {
    File(File),
    /// What a stream gave.
    Kept(Cursor<Kept>),
    /// A stream, read as it comes.
    Stream(Box<dyn Read + Send>),
}

impl Bytes {
    /// Whether the end is the one of a complete bgzip file; true for a stream, whose end [`WithEndBlock`] looks at.
    /// Leaves a file at `position`.
    fn end_in_end_block(&mut self, position: usize) -> bool {
        match self {
            Bytes::File(file) => ends_in_end_block(file, position),
            Bytes::Kept(kept) => kept.get_ref().as_ref().ends_with(&BGZF_END),
            Bytes::Stream(_) => true,
        }
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Bytes::File(file) => file.read(buffer),
            Bytes::Kept(kept) => kept.read(buffer),
            Bytes::Stream(stream) => stream.read(buffer),
        }
    }
}

/// A stream of bgzip blocks; that the last one is the empty block shows only at its end.
struct WithEndBlock {
    stream: Box<dyn Read + Send>,
    /// The last bytes that were read, as many as the block has.
    tail: Vec<u8>,
}

impl Read for WithEndBlock {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.tail != BGZF_END {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.tail.extend_from_slice(&buffer[..count]);
        let old = self.tail.len().saturating_sub(BGZF_END.len());
        self.tail.drain(..old);
        Ok(count)
    }
}

/// Opens a file and unpacks it on the way: plain, gzip (several members too) or bgzip.
///
/// Works on pipes. A bgzip file without its end block is refused here, since a run that was
/// killed between two blocks leaves no other trace.
pub fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    unpacked(path, Bytes::File(file)).map(|(reader, _)| reader)
}

fn unpacked(path: &Path, mut bytes: Bytes) -> Result<(Box<dyn BufRead + Send>, Packing)> {
    let prefix = read_prefix(&mut bytes).map_err(|e| Error::io(path, e))?;
    let packing = Packing::of_prefix(&prefix);
    if packing == Packing::Bgzip && !bytes.end_in_end_block(prefix.len()) {
        return Err(Error::format(
            path,
            "truncated gzip stream: a bgzip file ends in an empty block, and this one does not",
        ));
    }
    if packing == Packing::Bgzip
        && let Bytes::Stream(stream) = bytes
    {
        bytes = Bytes::Stream(Box::new(WithEndBlock {
            stream,
            tail: prefix.clone(),
        }));
    }
    let whole = Cursor::new(prefix).chain(bytes);
    Ok(match packing {
        Packing::Plain => (Box::new(BufReader::with_capacity(1 << 16, whole)), packing),
        _ => {
            let packed = BufReader::with_capacity(1 << 16, whole);
            let unpacked = MultiGzDecoder::new(packed);
            (
                Box::new(BufReader::with_capacity(1 << 16, unpacked)),
                packing,
            )
        }
    })
}

fn read_prefix(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut prefix = Vec::with_capacity(PREFIX);
    reader.take(PREFIX as u64).read_to_end(&mut prefix)?;
    Ok(prefix)
}

/// Why unpacked bytes are no text of any format that has a name.
/// That bytes begin a text, as far as can be seen; `packing` is what they came out of.
fn check_text(path: &Path, head: &[u8], packing: Packing) -> Result<()> {
    if let Some(kind) = foreign::named(head) {
        let inside = packing != Packing::Plain;
        return Err(Error::format(path, kind.instead_of_text(inside)));
    }
    match no_text(head) {
        None => Ok(()),
        Some(what) => Err(Error::format_at(
            path,
            1,
            format!("{what}; expected UTF-8 text, plain, gzip or bgzip"),
        )),
    }
}

/// That the first bytes of a stream begin a text or a packed one.
pub(super) fn check_stream(path: &Path, head: &[u8]) -> Result<()> {
    match Packing::of_prefix(head) {
        Packing::Plain => check_text(path, head, Packing::Plain),
        Packing::Gzip | Packing::Bgzip => Ok(()),
    }
}

fn no_text(head: &[u8]) -> Option<&'static str> {
    match () {
        () if head.starts_with(&GZIP_MAGIC) => Some("packed with gzip once more: unpack it once"),
        () if head.contains(&0) => Some("a binary file (it holds NUL bytes)"),
        () => None,
    }
}

/// Leaves the file at `position`; true for a pipe, which cannot be looked at from its end.
fn ends_in_end_block(file: &mut File, position: usize) -> bool {
    let mut tail = [0; BGZF_END.len()];
    let complete = match file.seek(SeekFrom::End(-(BGZF_END.len() as i64))) {
        Ok(_) => file.read_exact(&mut tail).is_ok() && tail == BGZF_END,
        Err(_) => return true,
    };
    file.seek(SeekFrom::Start(position as u64)).is_ok() && complete
}

/// A file's lines, counted from 1, without their ends: LF or CRLF, in a file without LF also CR alone.
pub struct Lines {
    path: PathBuf,
    reader: Looked<Box<dyn BufRead + Send>>,
    packing: Packing,
    number: u64,
    returned: Vec<String>,
}

impl Lines {
    /// Opens a file as [`open`] does.
    pub fn open(path: &Path) -> Result<Lines> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Lines::of(path, Bytes::File(file))
    }

    /// Unpacks bytes as [`open`] does; `path` takes the file's place in messages.
    pub(super) fn of(path: &Path, bytes: Bytes) -> Result<Lines> {
        let (reader, packing) = unpacked(path, bytes)?;
        Ok(Lines::from_reader(path, reader, packing))
    }

    /// Plain text from elsewhere; `name` takes the file's place in messages.
    pub fn new(name: impl AsRef<Path>, reader: impl Read + Send + 'static) -> Lines {
        Lines::from_reader(
            name.as_ref(),
            Box::new(BufReader::new(reader)),
            Packing::Plain,
        )
    }

    fn from_reader(path: &Path, reader: Box<dyn BufRead + Send>, packing: Packing) -> Lines {
        Lines {
            path: path.to_path_buf(),
            reader: Looked::new(reader),
            packing,
            number: 0,
            returned: Vec::new(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line that [`Lines::read`] gave last; 0 before the first.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Puts the next line into `line`; false at the end of the file.
    ///
    /// Errors: a truncated or corrupt gzip stream, a binary file of a known format, text that is not UTF-8,
    /// line ends of two kinds that contradict each other, and what the operating system refuses.
    pub fn read(&mut self, line: &mut String) -> Result<bool> {
        line.clear();
        if let Some(returned) = self.returned.pop() {
            *line = returned;
            self.number += 1;
            return Ok(true);
        }
        let end = self.reader.line_end();
        if self.number == 0 {
            check_text(&self.path, self.reader.head(), self.packing)?;
        }
        let mut bytes = std::mem::take(line).into_bytes();
        let count = (&mut self.reader)
            .take(LONGEST)
            .read_until(end.byte(), &mut bytes)
            .map_err(|e| self.read_error(e))?;
        if count == 0 {
            return Ok(false);
        }
        self.number += 1;
        if count as u64 == LONGEST {
            return Err(self.error("a line of 4 GB or more; expected text with line ends"));
        }
        if bytes.last() == Some(&end.byte()) {
            bytes.pop();
        }
        if end == LineEnd::Feed {
            while bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
            // Rows that a reader of such a line would lose.
            if bytes.contains(&b'\r') {
                return Err(self.error(
                    "a carriage return inside a line, where lines end in a line feed; save the file with Unix line ends",
                ));
            }
        } else if bytes.contains(&b'\n') {
            return Err(self.error(
                "a line feed, where the lines before end in a carriage return alone; save the file with Unix line ends",
            ));
        }
        if bytes.contains(&0) {
            return Err(self.error("a NUL byte; expected text"));
        }
        // The byte-order mark that spreadsheets write; further down where such files were put together.
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        *line = String::from_utf8(bytes).map_err(|_| {
            self.error("not UTF-8 text; expected a text file, plain, gzip or bgzip")
        })?;
        Ok(true)
    }

    /// Reads on to the next line that is not blank.
    pub fn read_filled(&mut self, line: &mut String) -> Result<bool> {
        while self.read(line)? {
            if !line.trim().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives the line read last back: the next [`Lines::read`] returns it again.
    pub fn unread(&mut self, line: &str) {
        self.returned.push(line.to_string());
        self.number = self.number.saturating_sub(1);
    }

    /// An error at the line that was read last.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::format_at(&self.path, self.number.max(1), message)
    }

    /// The error for a file that holds nothing where `expected` was.
    pub fn empty(&self, expected: &str) -> Error {
        Error::format(
            &self.path,
            format!("the file is empty; expected {expected}"),
        )
    }

    fn read_error(&self, error: io::Error) -> Error {
        let whole = counted(self.number, "whole line");
        match error.kind() {
            _ if self.packing == Packing::Plain => Error::io(&self.path, error),
            io::ErrorKind::UnexpectedEof => Error::format(
                &self.path,
                format!("truncated gzip stream: it breaks off after {whole}"),
            ),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Error::format(
                &self.path,
                format!("corrupt gzip stream after {whole}: {error}"),
            ),
            _ => Error::io(&self.path, error),
        }
    }
}

/// [`Lines`] for a parser that reads bytes: its lines that are not blank, without blanks at their
/// ends, each with a line feed and handed out alone, so that [`Lines::number`] is where the parser
/// is.
pub struct LineReader<'a> {
    pub lines: &'a mut Lines,
    line: String,
    taken: usize,
}

impl<'a> LineReader<'a> {
    pub fn new(lines: &'a mut Lines) -> Self {
        LineReader {
            lines,
            line: String::new(),
            taken: 0,
        }
    }

    /// The line that was handed out last.
    pub fn line(&self) -> &str {
        self.line.trim_end()
    }

    /// The error that [`Lines`] gave, from the one that the parser passed on.
    pub fn error(&self, error: io::Error) -> Error {
        error
            .downcast()
            .unwrap_or_else(|e| self.lines.read_error(e))
    }
}

impl BufRead for LineReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.line.len() {
            self.taken = 0;
            let read = self.lines.read_filled(&mut self.line);
            if read.map_err(io::Error::other)? {
                self.line.truncate(self.line.trim_end().len());
                self.line.push('\n');
            }
        }
        Ok(&self.line.as_bytes()[self.taken..])
    }

    fn consume(&mut self, count: usize) {
        self.taken += count;
    }
}

impl Read for LineReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// A whole text, its lines ended by a line feed; for what is written by hand or by a program in one piece.
///
/// # Errors
/// Those of [`Lines::read`].
pub fn read_text(path: &Path) -> Result<String> {
    let mut lines = Lines::open(path)?;
    let (mut text, mut line) = (String::new(), String::new());
    while lines.read(&mut line)? {
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// A piece of a file's own text, short enough for a message.
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("'{}...'", &text[..end]),
        None => format!("'{text}'"),
    }
}

/// A message as a terminal can show it: control characters of a file's text, which would move the cursor or change
/// colors, are spelled out; line feeds and tabs stay.
pub fn printable(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for c in message.chars() {
        let unseen = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
        match unseen || c.is_control() && c != '\n' && c != '\t' {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// Says a line on stderr, [`printable`]. Where that cannot be written, nobody is there to be told, and the work goes on.
pub fn tell(line: std::fmt::Arguments) {
    use std::io::Write as _;
    let _ = writeln!(io::stderr(), "{}", printable(&line.to_string()));
}

/// The first few names of many, for a message: `'a', 'b', 'c' and 7 more`.
pub fn first_names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    const SHOWN: usize = 3;
    let mut shown = Vec::new();
    let mut more = 0_usize;
    for name in names {
        if shown.len() < SHOWN {
            shown.push(format!("'{}'", name.as_ref()));
        } else {
            more += 1;
        }
    }
    let shown = shown.join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
