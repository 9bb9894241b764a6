//! `history.pkl`: what Keras 1 measured in each epoch, as Python 2 pickles the dict `history.history` (protocol 0).
//!
//! A pickle is a program. Of its instructions only those are known here that such a file has, and of the functions that
//! it may name only the two that make numpy's scalars, which are done here: nothing of a file is ever run.

use std::collections::HashMap;
use std::path::Path;

use crate::io::atomic::write_atomic;
use crate::io::sources::check_no_stream;
use crate::io::text::excerpt;
use crate::{Error, Result};

/// Far above any history: 50 bytes a number, four numbers an epoch.
const LARGEST: u64 = 4 << 20;

/// The keys of FactorNet's models: loss and accuracy in training, then in validation.
pub const KEYS: [&str; 4] = ["loss", "acc", "val_loss", "val_acc"];

/// What each of [`KEYS`] was in each epoch; None for one that the file has not. All have the same length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KerasHistory {
    pub measured: [Option<Vec<f64>>; 4],
}

impl KerasHistory {
    pub fn epochs(&self) -> usize {
        self.measured
            .iter()
            .flatten()
            .map(Vec::len)
            .next()
            .unwrap_or(0)
    }
}

/// # Errors
/// The file cannot be read, is cut short, is another pickle or none.
pub fn read(path: &Path) -> Result<KerasHistory> {
    check_no_stream(path, "histories")?;
    let length = std::fs::metadata(path)
        .map_err(|e| Error::io(path, e))?
        .len();
    if length > LARGEST {
        return Err(Error::format(
            path,
            format!("{length} bytes; expected the history of a training run, at most {LARGEST}"),
        ));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    parse(&bytes).map_err(|message| Error::format(path, message))
}

/// Writes what Python 2 reads with `pickle.load`: a dict of lists of floats.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, history: &KerasHistory) -> Result<()> {
    write_atomic(path, |w| {
        writeln!(w, "(dp0")?;
        let measured = KEYS.iter().zip(&history.measured);
        let there = measured.filter_map(|(key, numbers)| Some((key, numbers.as_ref()?)));
        for (i, (key, numbers)) in there.enumerate() {
            write!(w, "S'{key}'\np{}\n(lp{}\n", 2 * i + 1, 2 * i + 2)?;
            for number in numbers {
                // The shortest text that is the same number again; `inf` and `NaN` are Python's, too.
                write!(w, "F{number:?}\na")?;
            }
            write!(w, "s")?;
        }
        write!(w, ".")
    })
}

type Parsed<T> = std::result::Result<T, String>;

/// A value's place among [`Machine::values`].
type Place = usize;

#[derive(Debug, Clone, PartialEq)]
enum Value {
    None,
    Integer(i64),
    Float(f64),
    Text(Vec<u8>),
    Tuple(Vec<Place>),
    List(Vec<Place>),
    Dict(Vec<(Place, Place)>),
    /// `numpy.core.multiarray.scalar`.
    MakeScalar,
    /// `numpy.dtype`.
    MakeType,
    /// A numpy type of floats.
    Type {
        bytes: usize,
        big_endian: bool,
    },
}

impl Value {
    fn what(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Text(_) => "a string",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Dict(_) => "a dict",
            Value::MakeScalar | Value::MakeType => "a function",
            Value::Type { .. } => "a numpy type",
        }
    }
}

/// The pickle's stack machine. Values are held once and named by their places, so what it holds grows no faster than the
/// file has instructions, whatever refers to what.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    /// None: a mark.
    stack: Vec<Option<Place>>,
    memo: HashMap<u64, Place>,
}

fn parse(bytes: &[u8]) -> Parsed<KerasHistory> {
    let mut machine = Machine {
        bytes,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        memo: HashMap::new(),
    };
    let result = machine.run()?;
    machine.history(result)
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Parsed<Place> {
        loop {
            let start = self.at;
            let code = *self.bytes.get(start).ok_or_else(|| self.cut())?;
            self.at += 1;
            match code {
                b'(' => self.stack.push(None),
                b'.' => return self.pop(),
                b'N' => self.push(Value::None),
                b'I' => {
                    let number = self.number("an integer")?;
                    self.push(Value::Integer(number));
                }
                b'F' => {
                    let number = self.number("a float")?;
                    self.push(Value::Float(number));
                }
                b'S' => {
                    let text = quoted(self.line()?)?;
                    self.push(Value::Text(text));
                }
                b't' => {
                    let places = self.above_mark()?;
                    self.push(Value::Tuple(places));
                }
                b'l' => {
                    let places = self.above_mark()?;
                    self.push(Value::List(places));
                }
                b'd' => {
                    let places = self.above_mark()?;
                    if places.len() % 2 == 1 {
                        return Err("a dict with a key that has no value".into());
                    }
                    let pairs = places.chunks_exact(2).map(|pair| (pair[0], pair[1]));
                    let pairs = pairs.collect();
                    self.push(Value::Dict(pairs));
                }
                b'p' => {
                    let (key, top) = (self.number("a number")?, self.top()?);
                    self.memo.insert(key, top);
                }
                b'g' => {
                    let key = self.number::<u64>("a number")?;
                    let place = self.memo.get(&key);
                    let place = *place.ok_or_else(|| format!("value {key} is not there yet"))?;
                    self.stack.push(Some(place));
                }
                b'a' => {
                    let (item, list) = (self.pop()?, self.top()?);
                    match &mut self.values[list] {
                        Value::List(items) => items.push(item),
                        other => return Err(format!("an item for {}", other.what())),
                    }
                }
                b's' => {
                    let (value, key, dict) = (self.pop()?, self.pop()?, self.top()?);
                    match &mut self.values[dict] {
                        Value::Dict(pairs) => pairs.push((key, value)),
                        other => return Err(format!("a key for {}", other.what())),
                    }
                }
                b'c' => {
                    let function = self.function()?;
                    self.push(function);
                }
                b'R' => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    let made = self.call(function, arguments)?;
                    self.push(made);
                }
                b'b' => {
                    let (state, object) = (self.pop()?, self.top()?);
                    self.set_order(object, state)?;
                }
                0x80 if start == 0 => {
                    let version = self.bytes.get(1).copied().unwrap_or_default();
                    return Err(format!(
                        "a pickle of protocol {version}; expected protocol 0, as Keras 1 under Python 2 wrote it"
                    ));
                }
                other => {
                    let shown = excerpt(&char::from(other).to_string());
                    let what = match start {
                        0 => "no pickle of a history",
                        _ => "an instruction that a history does not have",
                    };
                    return Err(format!("{what}: byte {start} is {shown}"));
                }
            }
        }
    }

    fn cut(&self) -> String {
        format!("cut short after {} bytes", self.bytes.len())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(Some(self.values.len()));
        self.values.push(value);
    }

    fn pop(&mut self) -> Parsed<Place> {
        self.stack.pop().flatten().ok_or_else(empty)
    }

    fn top(&self) -> Parsed<Place> {
        self.stack.last().copied().flatten().ok_or_else(empty)
    }

    fn above_mark(&mut self) -> Parsed<Vec<Place>> {
        let mark = self.stack.iter().rposition(Option::is_none);
        let places = self.stack.split_off(mark.ok_or_else(empty)?);
        Ok(places.into_iter().flatten().collect())
    }

    fn line(&mut self) -> Parsed<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.cut())?;
        self.at += end + 1;
        Ok(&rest[..end])
    }

    fn number<T: std::str::FromStr>(&mut self, expected: &str) -> Parsed<T> {
        let line = String::from_utf8_lossy(self.line()?);
        let number = line.trim().parse();
        number.map_err(|_| format!("found {}, expected {expected}", excerpt(&line)))
    }

    fn function(&mut self) -> Parsed<Value> {
        match (self.line()?, self.line()?) {
            (b"numpy.core.multiarray", b"scalar") => Ok(Value::MakeScalar),
            (b"numpy", b"dtype") => Ok(Value::MakeType),
            (module, name) => {
                let name = [module, name].map(String::from_utf8_lossy).join(".");
                match name.contains('\r') {
                    true => Err("its lines end in CRLF: it was changed on its way, as some programs change text; copy it again, as binary".into()),
                    false => Err(format!(
                        "it asks for {}, which no history needs and which was not run",
                        excerpt(&name)
                    )),
                }
            }
        }
    }

    fn call(&self, function: Place, arguments: Place) -> Parsed<Value> {
        let Value::Tuple(arguments) = &self.values[arguments] else {
            return Err("a call without arguments".into());
        };
        let mut given = arguments.iter().map(|&place| &self.values[place]);
        let given = (given.next(), given.next());
        match (&self.values[function], given) {
            (Value::MakeType, (Some(Value::Text(name)), _)) => {
                let bytes = match &name[..] {
                    b"f8" => 8,
                    b"f4" => 4,
                    other => {
                        let other = String::from_utf8_lossy(other);
                        return Err(format!(
                            "numpy's type {}, expected f8 or f4",
                            excerpt(&other)
                        ));
                    }
                };
                Ok(Value::Type {
                    bytes,
                    big_endian: false,
                })
            }
            (
                Value::MakeScalar,
                (Some(&Value::Type { bytes, big_endian }), Some(Value::Text(raw))),
            ) => {
                let mut raw = raw.clone();
                if big_endian {
                    raw.reverse();
                }
                let number = match (bytes, &raw[..]) {
                    (8, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
                    (4, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
                    (expected, raw) => {
                        return Err(format!(
                            "a number of {} bytes, expected {expected}",
                            raw.len()
                        ));
                    }
                };
                Ok(Value::Float(number))
            }
            (function, _) => Err(format!(
                "a call of {} with arguments that a history does not have",
                function.what()
            )),
        }
    }

    /// What numpy adds to a type that it has made: a version, the order of the bytes, and more.
    fn set_order(&mut self, object: Place, state: Place) -> Parsed<()> {
        let order = match &self.values[state] {
            Value::Tuple(parts) => parts.get(1).map(|&place| &self.values[place]),
            _ => None,
        };
        let big = match order {
            Some(Value::Text(order)) if order == b">" => true,
            Some(Value::Text(order)) if order == b"<" => false,
            _ => return Err("a type without an order of its bytes".into()),
        };
        match &mut self.values[object] {
            Value::Type { big_endian, .. } => {
                *big_endian = big;
                Ok(())
            }
            other => Err(format!("a state for {}", other.what())),
        }
    }

    fn history(&self, result: Place) -> Parsed<KerasHistory> {
        let Value::Dict(pairs) = &self.values[result] else {
            let what = self.values[result].what();
            return Err(format!("{what}, expected the dict of a training run"));
        };
        let mut history = KerasHistory::default();
        for &(key, value) in pairs {
            let known = KEYS.iter().position(
                |known| matches!(&self.values[key], Value::Text(text) if text == known.as_bytes()),
            );
            if let Some(known) = known {
                history.measured[known] = Some(self.numbers(KEYS[known], value)?);
            }
        }
        let mut lengths = KEYS.iter().zip(&history.measured);
        let mut there = lengths
            .by_ref()
            .filter_map(|(key, n)| Some((key, n.as_ref()?.len())));
        let Some((first, epochs)) = there.next() else {
            return Err(format!("none of the keys {}", KEYS.join(", ")));
        };
        if let Some((other, found)) = there.find(|&(_, found)| found != epochs) {
            return Err(format!(
                "{epochs} epochs of '{first}' but {found} of '{other}'"
            ));
        }
        Ok(history)
    }

    fn numbers(&self, key: &str, list: Place) -> Parsed<Vec<f64>> {
        let Value::List(items) = &self.values[list] else {
            let what = self.values[list].what();
            return Err(format!("'{key}' is {what}, expected a list"));
        };
        let number = |&place: &Place| match self.values[place] {
            Value::Float(number) => Ok(number),
            Value::Integer(number) => Ok(number as f64),
            ref other => Err(format!("'{key}' holds {}, expected numbers", other.what())),
        };
        items.iter().map(number).collect()
    }
}

fn empty() -> String {
    "an instruction without its values".into()
}

/// The bytes of a string as Python 2 shows it, in quotes and with escapes.
fn quoted(line: &[u8]) -> Parsed<Vec<u8>> {
    let wrong = || {
        let shown = String::from_utf8_lossy(line);
        format!("found {}, expected a string in quotes", excerpt(&shown))
    };
    let inside = match line.trim_ascii_end() {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => inside,
        _ => return Err(wrong()),
    };
    let mut text = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        text.push(match bytes.next() {
            Some(same @ (b'\\' | b'\'' | b'"')) => same,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => match (digit(bytes.next()), digit(bytes.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        });
    }
    Ok(text)
}

#[cfg(test)]
#[path = "keras_history_tests.rs"]
mod tests;
