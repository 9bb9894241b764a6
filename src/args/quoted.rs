//! Words of commands that are printed to be typed.

use serde_json::{Map, Value};
use std::fmt::Display;

/// A word as a shell takes it: in quotes where it holds anything but letters, digits and what paths and names usually have.
pub fn quoted(word: impl Display) -> String {
    let word = word.to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+:=,@%".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The flags that config.json keeps, as they are typed; those that were not given are left out, and those of which `left_out` says so.
pub fn typed(flags: &Map<String, Value>, left_out: impl Fn(&str) -> bool) -> Vec<String> {
    let kept = flags.iter().filter(|(flag, _)| !left_out(flag));
    let typed = kept.filter_map(|(flag, value)| {
        let flag = flag.replace('_', "-");
        match value {
            Value::Null | Value::Bool(false) => None,
            Value::Bool(true) => Some(format!("--{flag}")),
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| quoted(text(item))).collect();
                Some(format!("--{flag} {}", items.join(" ")))
            }
            value => Some(format!("--{flag} {}", quoted(text(value)))),
        }
    });
    typed.collect()
}

/// A value of config.json for people.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_blanks_and_signs_are_in_quotes() {
        assert_eq!(quoted("a/b-1.fa"), "a/b-1.fa");
        assert_eq!(quoted("d 8"), "'d 8'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$HOME"), "'$HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn flags_are_typed_as_they_were_given() {
        let kept = serde_json::json!({
            "lr": 0.1, "seed": 3, "model": null, "drop_last": false, "unfreeze_conv": true,
            "penalty_param": [], "split_folder": "a b", "testchroms": ["chr1", "chr 2"], "secret": 1
        });
        let found = typed(kept.as_object().unwrap(), |flag| flag == "secret");
        assert_eq!(
            found,
            [
                "--lr 0.1",
                "--seed 3",
                "--split-folder 'a b'",
                "--testchroms chr1 'chr 2'",
                "--unfreeze-conv"
            ]
        );
    }
}
