//! TensorBoard's event files: scalars by tag and step. A record is a length, the length's checksum, a message of protobuf, its checksum;
//! checksums are CRC-32C, masked.

use crate::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// TensorBoard looks for `tfevents` in names.
const NAME: &str = "events.out.tfevents.0.cisgrad";
/// What the first event says.
const VERSION: &str = "brain.Event:2";

/// An event file to which a run adds.
pub struct EventFile {
    path: PathBuf,
    file: File,
    /// Of the last whole record.
    last_step: i64,
}

/// A record's message, as far as this program writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub wall_time: f64,
    pub step: i64,
    pub version: Option<String>,
    pub scalars: Vec<(String, f32)>,
}

impl EventFile {
    /// Opens the file of a folder, which is made where it is not there; `anew`: without what it held. A record that a killed run left
    /// unfinished is cut off.
    ///
    /// # Errors
    /// What the operating system says; a file of the same name that holds something else.
    pub fn open(folder: &Path, anew: bool) -> Result<EventFile> {
        let path = folder.join(NAME);
        let named = |e| Error::io(&path, e);
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(anew);
        let mut file = options.open(&path).map_err(named)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(named)?;
        let (events, whole) = records(&bytes);
        if events.is_empty() && !bytes.is_empty() {
            return Err(Error::format(
                &path,
                "not an event file that can be added to; move it away, or name another --log-dir",
            ));
        }
        file.set_len(whole as u64).map_err(named)?;
        file.seek(SeekFrom::End(0)).map_err(named)?;
        let last_step = events.last().map_or(0, |event| event.step);
        let empty = events.is_empty();
        let mut opened = EventFile {
            path,
            file,
            last_step,
        };
        if empty {
            opened.write(&Event {
                version: Some(VERSION.to_string()),
                ..Event::default()
            })?;
        }
        Ok(opened)
    }

    /// The step of the last record; 0 where there is none.
    pub fn last_step(&self) -> i64 {
        self.last_step
    }

    /// Adds a record.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&mut self, step: i64, scalars: Vec<(String, f32)>) -> Result<()> {
        self.write(&Event {
            step,
            scalars,
            ..Event::default()
        })?;
        self.last_step = step;
        Ok(())
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let event = Event {
            wall_time: now.map_or(0.0, |since| since.as_secs_f64()),
            ..event.clone()
        };
        let record = framed(&message(&event));
        let written = self
            .file
            .write_all(&record)
            .and_then(|()| self.file.flush());
        written.map_err(|e| Error::io(&self.path, e))
    }
}

/// CRC-32C as the format keeps it: turned by 15 bits, so that a checksum of checksums is none.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(&length).to_le_bytes());
    record.extend(message);
    record.extend(masked(message).to_le_bytes());
    record
}

/// Wire types of protobuf.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

fn varint(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn key(field: u64, wire: u64, into: &mut Vec<u8>) {
    varint(field << 3 | wire, into);
}

fn bytes(field: u64, content: &[u8], into: &mut Vec<u8>) {
    key(field, BYTES, into);
    varint(content.len() as u64, into);
    into.extend(content);
}

/// tensorflow.Event: wall_time (1), step (2), file_version (3), summary (5) of values (1) with tag (1) and simple_value (2).
fn message(event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    key(1, FIXED64, &mut out);
    out.extend(event.wall_time.to_le_bytes());
    key(2, VARINT, &mut out);
    varint(event.step as u64, &mut out);
    if let Some(version) = &event.version {
        bytes(3, version.as_bytes(), &mut out);
    }
    if !event.scalars.is_empty() {
        let mut summary = Vec::new();
        for (tag, number) in &event.scalars {
            let mut value = Vec::new();
            bytes(1, tag.as_bytes(), &mut value);
            key(2, FIXED32, &mut value);
            value.extend(number.to_le_bytes());
            bytes(1, &value, &mut summary);
        }
        bytes(5, &summary, &mut out);
    }
    out
}

/// The whole records at the beginning of a file, whose checksums hold, and how many bytes they are.
pub fn records(mut rest: &[u8]) -> (Vec<Event>, usize) {
    let all = rest.len();
    let mut events = Vec::new();
    loop {
        match record(rest) {
            Some((event, length)) => {
                events.push(event);
                rest = &rest[length..];
            }
            None => return (events, all - rest.len()),
        }
    }
}

/// The first record, and how many bytes it has.
fn record(from: &[u8]) -> Option<(Event, usize)> {
    let number = |at: usize| -> Option<u32> {
        let bytes = from.get(at..at.checked_add(4)?)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    };
    let length = from.get(..8)?;
    if number(8)? != masked(length) {
        return None;
    }
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let end = length.checked_add(12)?;
    let content = from.get(12..end)?;
    if number(end)? != masked(content) {
        return None;
    }
    Some((event(content)?, end + 4))
}

/// A field's number and content.
enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

fn next_varint(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn next_field<'a>(from: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = next_varint(from)?;
    let mut take = |count: usize| {
        let (taken, rest) = from.split_at_checked(count)?;
        *from = rest;
        Some(taken)
    };
    let field = match key & 7 {
        FIXED64 => Field::Fixed64(take(8)?.try_into().ok()?),
        FIXED32 => Field::Fixed32(take(4)?.try_into().ok()?),
        VARINT => Field::Varint(next_varint(from)?),
        BYTES => {
            let length = usize::try_from(next_varint(from)?).ok()?;
            let (taken, rest) = from.split_at_checked(length)?;
            *from = rest;
            Field::Bytes(taken)
        }
        _ => return None,
    };
    Some((key >> 3, field))
}

fn event(mut content: &[u8]) -> Option<Event> {
    let mut found = Event::default();
    while !content.is_empty() {
        match next_field(&mut content)? {
            (1, Field::Fixed64(bytes)) => found.wall_time = f64::from_le_bytes(bytes),
            (2, Field::Varint(step)) => found.step = step as i64,
            (3, Field::Bytes(text)) => found.version = String::from_utf8(text.to_vec()).ok(),
            (5, Field::Bytes(mut summary)) => {
                while !summary.is_empty() {
                    if let (1, Field::Bytes(value)) = next_field(&mut summary)? {
                        found.scalars.push(scalar(value)?);
                    }
                }
            }
            _ => {}
        }
    }
    Some(found)
}

fn scalar(mut value: &[u8]) -> Option<(String, f32)> {
    let (mut tag, mut number) = (String::new(), 0.0);
    while !value.is_empty() {
        match next_field(&mut value)? {
            (1, Field::Bytes(text)) => tag = String::from_utf8(text.to_vec()).ok()?,
            (2, Field::Fixed32(bytes)) => number = f32::from_le_bytes(bytes),
            _ => {}
        }
    }
    Some((tag, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path) -> (Vec<Event>, usize, usize) {
        let bytes = std::fs::read(folder.join(NAME)).unwrap();
        let (events, whole) = records(&bytes);
        (events, whole, bytes.len())
    }

    #[test]
    fn checksums_are_those_of_the_format() {
        // RFC 3720, B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        // As TensorFlow's own writer begins every file, up to the time: length 24 and its checksum.
        assert_eq!(
            masked(&24_u64.to_le_bytes()).to_le_bytes(),
            [0xa3, 0x7f, 0x4b, 0x22]
        );
    }

    #[test]
    fn what_was_added_is_read_back_and_a_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("runs/a");
        let mut file = EventFile::open(&folder, true).unwrap();
        let scalars = |x: f32| {
            vec![
                ("train/loss".to_string(), x),
                ("validation/loss".to_string(), -x),
            ]
        };
        file.add(1, scalars(0.5)).unwrap();
        file.add(300, scalars(0.25)).unwrap();
        let (events, whole, length) = read(&folder);
        assert_eq!(whole, length);
        assert_eq!(events[0].version.as_deref(), Some(VERSION));
        let steps: Vec<i64> = events.iter().map(|event| event.step).collect();
        assert_eq!(steps, [0, 1, 300]);
        assert_eq!(events[2].scalars, scalars(0.25));
        assert!(events[1].wall_time > 1.7e9);
        // A torn record is cut off, and the next one follows the last whole one.
        let path = folder.join(NAME);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let mut file = EventFile::open(&folder, false).unwrap();
        assert_eq!(file.last_step(), 1);
        file.add(2, scalars(2.0)).unwrap();
        let (events, whole, length) = read(&folder);
        assert_eq!((events.len(), events[2].step, whole), (3, 2, length));
        EventFile::open(&folder, true).unwrap();
        assert_eq!(read(&folder).0.len(), 1);
    }

    #[test]
    fn a_damaged_record_ends_what_is_read_and_another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::open(folder.path(), true).unwrap();
        file.add(1, vec![("a".to_string(), 1.0)]).unwrap();
        let path = folder.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            assert!(records(&bytes).0.len() < 2, "byte {place}");
        }
        std::fs::write(&path, "something else").unwrap();
        let refused = EventFile::open(folder.path(), false)
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains("--log-dir"), "{refused}");
    }
}
