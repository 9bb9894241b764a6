//! A spec from TOML text: each fault with its line and block.

use super::Spec;
use super::spec::Block;
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;
use toml::{Spanned, Table, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    block: Vec<Spanned<Table>>,
}

/// Fields that name parameters. `position` may name another block's table.
const NAMES: [&str; 9] = [
    "name",
    "and",
    "or",
    "mute",
    "amplify",
    "pool",
    "one_part",
    "two_parts",
    "gate",
];

impl Spec {
    /// Reads a spec from TOML text; `path` names it in errors.
    ///
    /// # Errors
    /// What is no TOML, a block that is not known or lacks a field, a number that must not be 0,
    /// two blocks of one name, no block at all; with the line, and the block counted from 1.
    pub fn parse(text: &str, path: &Path) -> Result<Spec> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() as u64 + 1;
        let read: Text = toml::from_str(text).map_err(|e| Error::Format {
            path: path.to_path_buf(),
            line: e.span().map(|s| line(s.start)),
            message: e.message().to_string(),
        })?;
        if read.block.is_empty() {
            return Err(Error::format(
                path,
                "an architecture needs at least one [[block]]",
            ));
        }
        let mut blocks = Vec::new();
        let mut seen = HashMap::new();
        for (index, spanned) in read.block.into_iter().enumerate() {
            let at = line(spanned.span().start);
            let table = spanned.into_inner();
            let op = table
                .get("op")
                .and_then(Value::as_str)
                .unwrap_or("?")
                .to_string();
            let fail = |message: String| {
                Error::format_at(path, at, format!("block {} ({op}): {message}", index + 1))
            };
            for key in NAMES {
                let Some(name) = table.get(key).and_then(Value::as_str) else {
                    continue;
                };
                if let Some(before) = seen.insert(name.to_string(), index + 1) {
                    return Err(fail(format!(
                        "the name {name} belongs to block {before} already"
                    )));
                }
            }
            let zero = table.iter().find(|(key, value)| {
                *key != "padding" && value.as_integer().is_some_and(|n| n < 1)
            });
            if let Some((key, value)) = zero {
                return Err(fail(format!("{key} = {value}: must be at least 1")));
            }
            let block = Block::deserialize(table).map_err(|e| fail(e.message().to_string()))?;
            if matches!(block, Block::Motifs { .. })
                && blocks.iter().any(|b| matches!(b, Block::Motifs { .. }))
            {
                return Err(fail("a second motif layer".to_string()));
            }
            blocks.push(block);
        }
        Ok(Spec {
            name: read.name,
            summary: read.summary,
            blocks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name = \"x\"\n\n[[block]]\nop = \"motifs\"\nstrands = \"both\"\n\n";

    fn error(blocks: &str) -> String {
        let text = format!("{HEAD}{blocks}");
        Spec::parse(&text, Path::new("own.toml"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn faults_name_line_block_and_field() {
        let cases = [
            (
                "[[block]]\nop = \"nonsense\"\n",
                "unknown variant `nonsense`",
            ),
            (
                "[[block]]\nop = \"activation\"\nkind = \"tanh\"\n",
                "unknown variant `tanh`",
            ),
            ("[[block]]\nop = \"gate\"\n", "missing field `name`"),
            (
                "[[block]]\nop = \"gate\"\nname = \"g\"\nextra = 1\n",
                "unknown field `extra`",
            ),
            (
                "[[block]]\nop = \"nystrom\"\nname = \"n\"\narchetypes = 0\n",
                "archetypes = 0",
            ),
            (
                "[[block]]\nop = \"motifs\"\nstrands = \"one\"\n",
                "a second motif layer",
            ),
        ];
        for (blocks, message) in cases {
            let error = error(blocks);
            assert!(error.starts_with("own.toml, line 7: block 2 ("), "{error}");
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn two_blocks_of_one_name_are_refused() {
        let gate = "[[block]]\nop = \"gate\"\nname = \"g\"\n";
        let error = error(&format!("{gate}{gate}"));
        assert!(
            error.contains("block 3 (gate): the name g belongs to block 2"),
            "{error}"
        );
    }

    #[test]
    fn no_toml_at_all_names_its_line() {
        let error = Spec::parse("name = 1 = 2\n", Path::new("own.toml")).unwrap_err();
        assert!(
            error.to_string().starts_with("own.toml, line 1: "),
            "{error}"
        );
    }
}
