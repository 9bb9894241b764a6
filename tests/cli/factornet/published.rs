//! The command lines of the original's README, as they are spelled there, on small data under the names that they use.

use std::fmt::Write as _;

use cisgrad::io::bigwig::{Run as Values, write_bigwig};
use cisgrad::io::chrom_sizes::Chromosomes;

use crate::common::{Random, Run, bytes, cisgrad, text};

const BASES: u32 = 12_000;
/// Training, validation and test by the original's defaults.
const CHROMOSOMES: [&str; 3] = ["chr2", "chr11", "chr8"];
const CELLS: [&str; 12] = [
    "A549", "GM12878", "H1-hESC", "HCT116", "HeLa-S3", "HepG2", "IMR-90", "K562", "MCF-7", "Panc1",
    "PC-3", "SK-N-SH",
];
const FACTORS: [&str; 4] = ["MAX", "GABPA", "REST", "CTCF"];

/// `resources` and `data` as the original keeps them.
struct Published {
    folder: tempfile::TempDir,
}

impl Published {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let published = Published { folder };
        for name in ["resources", "data"] {
            std::fs::create_dir(published.folder.path().join(name)).unwrap();
        }
        let mut random = Random(5);
        let (mut fasta, mut sizes) = (String::new(), String::new());
        for chromosome in CHROMOSOMES {
            let bases: String = (0..BASES)
                .map(|_| b"ACGT"[random.below(4) as usize] as char)
                .collect();
            let _ = writeln!(fasta, ">{chromosome}\n{bases}");
            let _ = writeln!(sizes, "{chromosome}\t{BASES}");
        }
        published.write("resources/hg19.fa", &fasta);
        published.write("resources/hg19.autoX.chrom.sizes", &sizes);
        published.write_gzip("resources/blacklist.bed.gz", "chr2\t11000\t11100\n");
        published.write_gzip(
            "resources/sample_ladder_regions.blacklistfiltered.bed.gz",
            "chr2\t3000\t3200\nchr8\t5000\t5200\nchr11\t6000\t6200\n",
        );
        for feature in ["cpgisland", "cds", "intron", "promoter", "utr5", "utr3"] {
            let name = format!("resources/{feature}.bed.gz");
            published.write_gzip(&name, "chr2\t2000\t5000\nchr11\t2000\t5000\n");
        }
        for cell in CELLS {
            published.cell(cell);
        }
        published
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn write_gzip(&self, name: &str, text: &str) {
        let file = std::fs::File::create(self.folder.path().join(name)).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap();
    }

    fn cell(&self, cell: &str) {
        let folder = format!("data/{cell}");
        std::fs::create_dir(self.folder.path().join(&folder)).unwrap();
        let mut chip = String::new();
        for (number, factor) in (0..).zip(FACTORS) {
            let name = |kind: &str| format!("ChIPseq.{cell}.{factor}.{kind}.narrowPeak.gz");
            let peaks: String = CHROMOSOMES
                .iter()
                .map(|chromosome| {
                    let start = 3000 + 1500 * number;
                    format!(
                        "{chromosome}\t{start}\t{}\tp\t9\t.\t1\t1\t1\t120\n",
                        start + 260
                    )
                })
                .collect();
            let strict = name("conservative.train");
            self.write_gzip(&format!("{folder}/{strict}"), &peaks);
            self.write_gzip(&format!("{folder}/{}", name("relaxed")), &peaks);
            let _ = writeln!(chip, "{strict}\t{factor}\t{}", name("relaxed"));
        }
        self.write(&format!("{folder}/chip.txt"), &chip);
        self.write(
            &format!("{folder}/bigwig.txt"),
            "unique.bw\tUnique35\ndgf.bw\tDGF\n",
        );
        let meta: String = (1..=8).map(|i| format!("0.{i}\tGEPC{i}\n")).collect();
        self.write(&format!("{folder}/meta.txt"), &meta);
        let sizes = CHROMOSOMES.map(|name| (name.to_string(), BASES)).to_vec();
        let chromosomes = Chromosomes::new("small.sizes", sizes).unwrap();
        for (name, value) in [("unique.bw", 1.0), ("dgf.bw", 0.5)] {
            let run = |chromosome| {
                Ok(Values {
                    chromosome,
                    start: 0,
                    end: BASES,
                    value,
                })
            };
            let path = self.folder.path().join(&folder).join(name);
            write_bigwig(path, &chromosomes, (0..3).map(run)).unwrap();
        }
    }

    /// A line of the README with our command in front.
    fn run(&self, line: &str) -> Run {
        cisgrad(self.folder.path(), &format!("factornet {line}"))
    }

    fn list(&self, model: &str, name: &str) -> Vec<String> {
        let text = text(self.folder.path().join(model).join(name));
        text.lines().map(String::from).collect()
    }
}

#[test]
fn multi_task() {
    let data = Published::new();
    let run = data.run("train -i data/HepG2 -k 128 -r 128 -d 256 -oc multiTask_Unique35_DGF_HepG2");
    run.ok();
    assert_eq!(
        data.list("multiTask_Unique35_DGF_HepG2", "chip.txt"),
        FACTORS
    );
}

#[test]
fn one_peak() {
    let data = Published::new();
    let model = "onePeak_Unique35_DGF_3n_50e_128k_64r_128d_MAX";
    data.run(&format!(
        "train -f MAX -k 128 -r 64 -d 128 -n 3 -e 5 -i data/A549 data/GM12878 data/H1-hESC data/HCT116 data/HeLa-S3 data/HepG2 data/K562 -oc {model}"
    ))
    .ok();
    assert_eq!(data.list(model, "feature.txt"), ["bigwig"]);
    assert_eq!(data.list(model, "bigwig.txt"), ["Unique35", "DGF"]);
}

#[test]
fn meta() {
    let data = Published::new();
    let model = "meta_Unique35_DGF_5n_GABPA";
    data.run(&format!(
        "train -f GABPA -n 5 -m -i data/GM12878 data/H1-hESC data/HeLa-S3 data/HepG2 data/MCF-7 -oc {model}"
    ))
    .ok();
    assert_eq!(data.list(model, "feature.txt"), ["bigwig", "meta"]);
    assert_eq!(data.list(model, "meta.txt").len(), 8);
}

/// And what the README draws of such a model.
#[test]
fn gencode() {
    let data = Published::new();
    let model = "GENCODE_Unique35_DGF_64k_128d_REST";
    data.run(&format!(
        "train -f REST -k 64 -d 128 -g -i data/H1-hESC data/HeLa-S3 data/HepG2 data/MCF-7 data/Panc1 -oc {model}"
    ))
    .ok();
    assert_eq!(data.list(model, "feature.txt"), ["bigwig", "gencode"]);
    let folder = data.folder.path();
    std::fs::create_dir_all(folder.join("models/REST")).unwrap();
    std::fs::rename(
        folder.join(model),
        folder.join("models/REST/GENCODE_Unique35_DGF_2"),
    )
    .unwrap();
    data.run("visualize -i data/HepG2 -b data/HepG2/ChIPseq.HepG2.REST.conservative.train.narrowPeak.gz -m models/REST/GENCODE_Unique35_DGF_2 -oc GENCODE_Unique35_DGF_2_visualizations")
        .ok();
    assert!(
        folder
            .join("GENCODE_Unique35_DGF_2_visualizations/motifs.txt")
            .exists()
    );
}

/// And the README's prediction with it.
#[test]
fn meta_gencode() {
    let data = Published::new();
    let model = "metaGENCODE_Unique35_DGF_129k_64r_128d_CTCF";
    data.run(&format!(
        "train -f CTCF -k 128 -r 64 -d 128 -m -g -i data/A549 data/H1-hESC data/HeLa-S3 data/HepG2 data/IMR-90 data/K562 data/MCF-7 -oc {model}"
    ))
    .ok();
    assert_eq!(
        data.list(model, "feature.txt"),
        ["bigwig", "meta", "gencode"]
    );
    let folder = data.folder.path();
    std::fs::create_dir_all(folder.join("models/CTCF")).unwrap();
    let published = "models/CTCF/metaGENCODE_RNAseq_Unique35_DGF";
    std::fs::rename(folder.join(model), folder.join(published)).unwrap();
    data.run(&format!(
        "predict -f CTCF -i data/PC-3 -m {published} -b resources/sample_ladder_regions.blacklistfiltered.bed.gz -o CTCF_PC-3.bed.gz"
    ))
    .ok();
    assert!(bytes(folder.join("CTCF_PC-3.bed.gz")).starts_with(&[0x1f, 0x8b]));
}
