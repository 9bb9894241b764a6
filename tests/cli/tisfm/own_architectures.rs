//! What `motifs` and the pictures of the last layer make of architectures of one's own: names where the layer's inputs are motifs, a
//! reason where they are not.

use crate::common::kinds::Kind;
use crate::common::tisfm::Data;

const SIGMOID: &str = "op = \"activation\"\nkind = \"sigmoid\"";
const POOL: &str = "op = \"attention_pool\"\nname = \"p\"\nextent = \"whole\"";
const LINEAR: &str = "op = \"linear\"\nname = \"linreg\"\nstart = \"relu\"";
const MERGE: &str = "op = \"merge_strands\"";
const MAX: &str = "op = \"max_pool\"\nwindow = 10\nstride = 10\npadding = 0";
const GLOBAL: &str = "op = \"global_max_pool\"";
const CONVOLUTION: &str = "op = \"convolution\"\nname = \"c\"\nfilters = 7\nwidth = 3\npadding = 0\ntwo_dimensional = false\nstart = \"relu\"";
const AND_OR: &str = "op = \"and_or\"\nand = \"a\"\nor = \"o\"";

/// Trains an epoch with motifs of `strands`, then these blocks.
fn train(data: &Data, strands: &str, blocks: &[&str]) {
    let mut text =
        format!("name = \"own\"\n\n[[block]]\nop = \"motifs\"\nstrands = \"{strands}\"\n");
    for block in blocks {
        text += &format!("\n[[block]]\n{block}\n");
    }
    data.write("own.toml", text);
    let _ = std::fs::remove_dir_all(data.path("own"));
    data.train("own", "--architecture own.toml --number-of-epochs 1")
        .ok();
}

#[test]
fn positions_and_filters_are_not_taken_for_motifs() {
    let data = Data::small();
    let positions = "its last layer reads every position of the motifs";
    for (strands, blocks, reason) in [
        ("both", &[SIGMOID, LINEAR][..], positions),
        ("one", &[SIGMOID, LINEAR], positions),
        ("both", &[SIGMOID, MERGE, LINEAR], positions),
        ("one", &[SIGMOID, MAX, LINEAR], positions),
        ("both", &[SIGMOID, MAX, LINEAR], positions),
        (
            "one",
            &[SIGMOID, CONVOLUTION, POOL, LINEAR],
            "a convolution stands between motifs and outputs",
        ),
        (
            "both",
            &[SIGMOID, POOL, AND_OR, LINEAR],
            "joins several features of a motif",
        ),
    ] {
        train(&data, strands, blocks);
        for command in [
            "motifs",
            "motifs --logos l.svg",
            "test --plot-final-layer",
            "test --extract-final-layer t",
        ] {
            let (command, flags) = command.split_once(' ').unwrap_or((command, ""));
            data.run(&format!("tisfm {command} --model own {flags}"))
                .fails(1, &["own cannot rank motifs: ", reason]);
        }
    }
}

#[test]
fn pooled_motifs_are_ranked_by_their_names() {
    let data = Data::small();
    for (strands, blocks, rows) in [
        ("one", &[SIGMOID, POOL, LINEAR][..], 6),
        ("one", &[SIGMOID, GLOBAL, LINEAR], 6),
        ("both", &[SIGMOID, MERGE, MAX, GLOBAL, LINEAR], 6),
        ("both", &[SIGMOID, POOL, LINEAR], 12),
        ("both", &[SIGMOID, GLOBAL, LINEAR], 12),
        ("one", &[SIGMOID, POOL, AND_OR, LINEAR], 12),
    ] {
        train(&data, strands, blocks);
        let table = data.run("tisfm motifs --model own").ok().table();
        assert_eq!(table.rows.len(), 2 * rows, "{strands} {blocks:?}");
        let motifs = table.column("motif").into_iter();
        let gata = motifs.filter(|motif| *motif == "GATA").count();
        assert_eq!(gata, rows / 3, "{strands} {blocks:?}");
    }
}
