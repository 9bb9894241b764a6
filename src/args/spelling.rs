//! Flags of several letters behind one dash (`-oc`), which the parser does not know: written out before it sees them.

use std::ffi::OsString;

/// Writes out the short flags of several letters of the kind whose command it is. `flags`: by kind, the short and the long
/// form.
pub fn spelled_out(
    arguments: impl Iterator<Item = OsString>,
    flags: &[(&str, &[(&str, &str)])],
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let command = arguments.get(1).and_then(|command| command.to_str());
    let Some((_, short)) = flags.iter().find(|(kind, _)| Some(*kind) == command) else {
        return arguments;
    };
    for argument in &mut arguments[2..] {
        let Some(text) = argument.to_str() else {
            continue;
        };
        let (flag, value) = match text.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (text, None),
        };
        if let Some((_, long)) = short.iter().find(|(short, _)| *short == flag) {
            *argument = match value {
                Some(value) => format!("{long}={value}").into(),
                None => (*long).into(),
            };
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::kinds::SHORT_FLAGS;

    fn spelled(text: &str) -> String {
        let words = text.split(' ').map(OsString::from);
        let out = spelled_out(words, SHORT_FLAGS);
        let out: Vec<_> = out.iter().map(|w| w.to_string_lossy()).collect();
        out.join(" ")
    }

    #[test]
    fn short_flags_of_two_letters_become_long_ones_for_factornet_alone() {
        assert_eq!(
            spelled("cisgrad factornet train -vi a -ep 3 -lr=0.1 -mo -oc out -e 5 -i x"),
            "cisgrad factornet train --validinputdirs a --patience 3 --learningrate=0.1 --motif --outputdirc out -e 5 -i x"
        );
        let other = "cisgrad tisfm train -lr 3";
        assert_eq!(spelled(other), other);
    }
}
