//! Flags as the original programs take them and the parser does not: several letters behind one dash (`-oc`), the beginning of a flag's
//! name (`--arch`), underscores (`--batch_size`). They are written out before the parser sees them.

use crate::{Error, Result};
use std::ffi::OsString;

/// How a kind's original spells its flags.
#[derive(Clone, Copy, Debug)]
pub struct Spelling {
    /// Short forms of several letters, and the long flags that they are.
    pub short: &'static [(&'static str, &'static str)],
    /// By command, the flags of the original, without dashes. A beginning that only one of them has stands for it: flags that the
    /// original lacks never make one ambiguous.
    pub original: &'static [(&'static str, &'static [&'static str])],
}

/// Writes out the flags of the kind whose command it is; `kinds`: by the name of the kind. `flags`: those of the command that begins
/// with these words, without dashes.
///
/// # Errors
/// The beginning of several flags.
pub fn spelled_out(
    arguments: impl Iterator<Item = OsString>,
    kinds: &[(&str, Spelling)],
    flags: impl Fn(&str, &str) -> Vec<String>,
) -> Result<Vec<OsString>> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let word = |i: usize| arguments.get(i).and_then(|word| word.to_str());
    let (Some(kind), Some(command)) = (word(1), word(2)) else {
        return Ok(arguments);
    };
    let Some((_, spelling)) = kinds.iter().find(|(name, _)| *name == kind) else {
        return Ok(arguments);
    };
    let own = flags(kind, command);
    let original = spelling.original.iter().find(|(of, _)| *of == command);
    let original = original.map_or(&[][..], |(_, flags)| flags);
    for argument in &mut arguments[3..] {
        let Some(text) = argument.to_str() else {
            continue;
        };
        let (flag, value) = match text.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (text, None),
        };
        if let Some(long) = spelling.long(flag, &own, original)? {
            *argument = match value {
                Some(value) => format!("{long}={value}").into(),
                None => long.into(),
            };
        }
    }
    Ok(arguments)
}

impl Spelling {
    /// The long flag that is written as `flag`; None where that is one already, or none.
    fn long(&self, flag: &str, own: &[String], original: &[&str]) -> Result<Option<String>> {
        // Another command's stays as it is written.
        let has = |long: &str| {
            own.iter()
                .any(|own| Some(own.as_str()) == long.strip_prefix("--"))
        };
        if let Some((_, long)) = self.short.iter().find(|(short, _)| *short == flag) {
            return Ok(has(long).then(|| (*long).to_string()));
        }
        let Some(name) = flag.strip_prefix("--").filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let dashed = name.replace('_', "-");
        if own.contains(&dashed) {
            return Ok((dashed != name).then(|| format!("--{dashed}")));
        }
        let begun: Vec<&str> = original
            .iter()
            .filter(|flag| flag.starts_with(&dashed))
            .copied()
            .collect();
        match begun[..] {
            [] => Ok(None),
            [one] => Ok(Some(format!("--{one}"))),
            _ => Err(Error::usage(format!(
                "{flag}: the beginning of several flags: --{}",
                begun.join(", --")
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: &[(&str, Spelling)] = &[
        (
            "factornet",
            Spelling {
                short: &[
                    ("-lr", "--learningrate"),
                    ("-oc", "--outputdirc"),
                    ("-vi", "--validinputdirs"),
                ],
                original: &[],
            },
        ),
        (
            "tisfm",
            Spelling {
                short: &[],
                original: &[(
                    "train",
                    &[
                        "sequences",
                        "split-folder",
                        "lr",
                        "num-of-workers",
                        "number-of-epochs",
                    ],
                )],
            },
        ),
    ];

    fn spelled(text: &str) -> String {
        let words = text.split(' ').map(OsString::from);
        let own = |_: &str, _: &str| {
            [
                "split",
                "seed",
                "lr",
                "split-folder",
                "batch-size",
                "learningrate",
                "outputdirc",
            ]
            .map(String::from)
            .to_vec()
        };
        match spelled_out(words, KINDS, own) {
            Ok(out) => {
                let out: Vec<_> = out.iter().map(|w| w.to_string_lossy()).collect();
                out.join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn short_flags_of_two_letters_become_long_ones_of_their_kind_alone() {
        assert_eq!(
            spelled("cisgrad factornet train -lr=0.1 -oc out -e 5 -i x"),
            "cisgrad factornet train --learningrate=0.1 --outputdirc out -e 5 -i x"
        );
        for other in [
            "cisgrad tisfm train -lr 3",
            "cisgrad factornet predict -vi 3",
        ] {
            assert_eq!(spelled(other), other);
        }
    }

    #[test]
    fn a_beginning_stands_for_the_originals_flag_unless_it_is_a_flag() {
        assert_eq!(
            spelled("cisgrad tisfm train --se s --sp f --split r --batch_size 3 --seed 1"),
            "cisgrad tisfm train --sequences s --split-folder f --split r --batch-size 3 --seed 1"
        );
        let several = spelled("cisgrad tisfm train --num=3");
        assert_eq!(
            several,
            "--num: the beginning of several flags: --num-of-workers, --number-of-epochs"
        );
        for other in [
            "cisgrad tisfm train --dev cpu -- --",
            "cisgrad bench --se 3",
            "cisgrad tisfm",
        ] {
            assert_eq!(spelled(other), other);
        }
    }
}
