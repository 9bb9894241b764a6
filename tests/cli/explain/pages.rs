//! The commands of docs/explain.md.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::scripts::{block, shell};

#[test]
fn every_command_of_the_page_works() {
    let page = include_str!("../../../docs/explain.md");
    let commands = ["explain", "explain", "explain", "marginalize"];
    let script = block(page, "<!-- explain", &commands);
    let (of_factornet, of_tisfm): (Vec<&str>, Vec<&str>) =
        script.lines().partition(|line| line.contains("ctcf"));
    let data = Data::new(60, 60);
    std::fs::rename(data.path("genome.fa"), data.path("hg38.fa")).unwrap();
    data.train("my_model", "").ok();
    let of_tisfm = of_tisfm.join("\n");
    let of_tisfm = of_tisfm.replace("GATA1", "GATA").replace("SPI1", "GGGCGG");
    shell(data.folder(), &of_tisfm).ok();
    for file in [
        "why/plot.3.MCF7.svg",
        "by_motif/hits.tsv",
        "effects/spacing.K562.svg",
    ] {
        assert!(data.path(file).is_file(), "{file}");
    }
    let cells = Cells::new();
    for (from, to) in [
        ("genome.fa", "hg38.fa"),
        ("motifs.meme", "JASPAR.meme"),
        ("A", "K562"),
    ] {
        std::fs::rename(cells.path(from), cells.path(to)).unwrap();
    }
    cells.train("ctcf", "-i K562 --genome hg38.fa -e 1").ok();
    cells.write(
        "peaks.bed",
        "chr2\t5000\t5300\nchr2\t9000\t9200\nchr3\t7000\t7200\n",
    );
    shell(cells.folder(), &of_factornet.join("\n")).ok();
    assert!(cells.path("why_ctcf/plot.3.CTCF.svg").is_file());
}
