//! Binary files of the trade where text is expected, and 2bit genomes.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{bytes, text};

/// A FASTA file as 2bit: soft-masked where it is in lower case.
fn two_bit(fasta: &str, number: fn(u32) -> [u8; 4]) -> Vec<u8> {
    let records: Vec<(&str, String)> = fasta
        .split('>')
        .skip(1)
        .map(|record| {
            let (header, bases) = record.split_once('\n').unwrap();
            let name = header.split_whitespace().next().unwrap();
            (name, bases.replace('\n', ""))
        })
        .collect();
    let numbers = |list: &[u32]| list.iter().flat_map(|&n| number(n)).collect::<Vec<u8>>();
    let mut bytes = numbers(&[0x1a41_2743, 0, records.len() as u32, 0]);
    let index: usize = records.iter().map(|(name, _)| name.len() + 5).sum();
    let mut data = Vec::new();
    for (name, bases) in &records {
        bytes.push(name.len() as u8);
        bytes.extend(name.bytes());
        bytes.extend(number((16 + index + data.len()) as u32));
        data.extend(number(bases.len() as u32));
        for letters in ["Nn", "acgtn"] {
            let mut stretches: Vec<(u32, u32)> = Vec::new();
            for (i, _) in (0_u32..)
                .zip(bases.chars())
                .filter(|(_, base)| letters.contains(*base))
            {
                match stretches.last_mut() {
                    Some((start, length)) if *start + *length == i => *length += 1,
                    _ => stretches.push((i, 1)),
                }
            }
            data.extend(number(stretches.len() as u32));
            data.extend(stretches.iter().flat_map(|(start, _)| number(*start)));
            data.extend(stretches.iter().flat_map(|(_, length)| number(*length)));
        }
        data.extend(number(0));
        data.extend(bases.as_bytes().chunks(4).map(|four| {
            let bits = four.iter().zip([6, 4, 2, 0]);
            bits.fold(0, |byte, (base, shift)| {
                let code = "TCAG".find(base.to_ascii_uppercase() as char);
                byte | (code.unwrap_or(0) as u8) << shift
            })
        }));
    }
    bytes.extend(data);
    bytes
}

#[test]
fn a_2bit_genome_gives_what_its_fasta_gives() {
    let (cells, data) = (Cells::new(), Data::new(40, 30));
    let of = |folder: &dyn Fn(&str) -> std::path::PathBuf| text(folder("genome.fa"));
    let fasta = of(&|name| cells.path(name));
    cells.write("little.2bit", two_bit(&fasta, u32::to_le_bytes));
    cells.write("big.2bit", two_bit(&fasta, u32::to_be_bytes));
    let fasta = of(&|name| data.path(name));
    data.write("little.2bit", two_bit(&fasta, u32::to_le_bytes));
    data.write("big.2bit", two_bit(&fasta, u32::to_be_bytes));

    cells.write(
        "w.bed",
        "chr3\t5000\t5200\tx\nchr3\t9000\t9200\ty\nchr1\t19000\t19990\tn\n",
    );
    let factornet = |genome: &str, sizes: &str| {
        let given = format!("--genome {genome} {sizes}");
        cells.train("m", &format!("-e 1 {given}")).ok();
        let weights = bytes(cells.path("m/model.best.safetensors"));
        cells
            .on("predict", &format!("-m m -b w.bed -o out.bed.gz {given}"))
            .ok();
        let evaluated = cells.on("evaluate", &format!("-m m -t chr3 {given}")).ok();
        std::fs::remove_dir_all(cells.path("m")).unwrap();
        (weights, cells.scored("out.bed.gz"), evaluated.out)
    };
    let by_fasta = factornet("genome.fa", "");
    assert!(factornet("little.2bit", "") == by_fasta);
    assert!(factornet("big.2bit", "--chrom-sizes genome.sizes") == by_fasta);

    let tisfm = |genome: &str| {
        let given = format!("--sequences peaks.bed --genome {genome}");
        data.train("m", &format!("--number-of-epochs 1 {given}"))
            .ok();
        let weights = bytes(data.path("m/model.best.safetensors"));
        let predicted = data
            .run(&format!("tisfm predict --model m {given}"))
            .ok()
            .out;
        let tested = data.run("tisfm test --model m").ok().out;
        std::fs::remove_dir_all(data.path("m")).unwrap();
        (weights, predicted, tested)
    };
    let by_fasta = tisfm("genome.fa");
    assert!(tisfm("little.2bit") == by_fasta);
    assert!(tisfm("big.2bit") == by_fasta);
}

#[test]
fn faults_of_a_2bit_genome_are_named() {
    let (cells, data) = (Cells::new(), Data::new(40, 30));
    let whole = two_bit(&text(cells.path("genome.fa")), u32::to_le_bytes);
    cells.write("g.2bit", &whole[..whole.len() / 2]);
    cells.refuses("--genome g.2bit", 1, &["g.2bit: truncated 2bit file"]);
    let fasta = text(cells.path("genome.fa"));
    let (chr1, _) = fasta.split_once(">chr2").unwrap();
    cells.write("g.2bit", two_bit(chr1, u32::to_le_bytes));
    let absent = "-v chr2: neither a chromosome in use (g.2bit has 'chr1')";
    cells.refuses("--genome g.2bit", 2, &[absent]);
    cells.write("g.2bit", two_bit(">chr1\nACGT\n", u32::to_le_bytes));
    let sizes = "--genome g.2bit --chrom-sizes genome.sizes";
    cells.refuses(
        sizes,
        1,
        &["g.2bit: chromosome 'chr1' has 4 bases here and 60000 in genome.sizes"],
    );
    cells.write_gzip("g.2bit.gz", &whole);
    cells.refuses(
        "--genome g.2bit.gz",
        1,
        &["a 2bit genome inside gzip", "unpack it"],
    );

    data.write("g.2bit", two_bit(">chr1\nACGT\n", u32::to_le_bytes));
    data.write("w.bed", "chr2\t0\t30\n");
    let other = "no chromosome of w.bed is in g.2bit: 'chr2' there, 'chr1' here";
    data.refuses("--sequences w.bed --genome g.2bit", 1, &[other]);
}

#[test]
fn binary_files_are_named_with_the_tool_that_converts_them() {
    let (cells, data) = (Cells::new(), Data::new(40, 30));
    let files: [(&str, &[u8], &str, &str); 9] = [
        (
            "p.bb",
            b"\xeb\xf2\x89\x87\x04\0\0\0",
            "a bigBed file",
            "bigBedToBed",
        ),
        (
            "p.bw",
            b"\x26\xfc\x8f\x88\x04\0\0\0",
            "a bigWig file",
            "bigWigToBedGraph",
        ),
        ("p.cram", b"CRAM\x03\0", "a CRAM file", "samtools"),
        (
            "p.xlsx",
            b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0[Content_Types].xml",
            "an Excel workbook",
            "save it as tab-separated text",
        ),
        (
            "p.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an Excel workbook",
            "save it as tab-separated text",
        ),
        (
            "p.h5",
            b"\x89HDF\r\n\x1a\n\0\0",
            "an HDF5 file",
            "save it as tab-separated text",
        ),
        (
            "p.npy",
            b"\x93NUMPY\x01\0v\0{'descr'",
            "a NumPy array",
            "numpy.savetxt",
        ),
        (
            "p.2bit",
            b"\x43\x27\x41\x1a\0\0\0\0",
            "a 2bit genome",
            "twoBitToFa",
        ),
        ("p.txt", b"\xff\xfec\0h\0r\0", "text in UTF-16", "UTF-8"),
    ];
    for (name, content, kind, tool) in files {
        let parts = &[name, kind, "expected text", tool];
        cells.write(name, content);
        cells.write("A/chip.txt", format!("../{name}\tCTCF\n"));
        cells.refuses("", 1, parts);
        cells.write("A/chip.txt", "CTCF.bed\tCTCF\n");
        cells.refuses(&format!("-v {name}"), 1, parts);
        data.write(name, content);
        data.refuses(&format!("--atac-file {name}"), 1, parts);
        data.refuses(&format!("--meme-file {name}"), 1, parts);
        data.refuses(&format!("--sequences {name}"), 1, parts);
        data.refuses(&format!("--architecture {name}"), 1, parts);
    }
    // BAM is packed as text may be.
    cells.write_gzip("p.bam", b"BAM\x01\0\0\0\0");
    cells.write("A/chip.txt", "../p.bam\tCTCF\n");
    cells.refuses("", 1, &["p.bam: a BAM file", "bedtools bamtobed"]);
    cells.refuses(
        "--blacklist p.bb",
        1,
        &["p.bb: a bigBed file", "bigBedToBed"],
    );
    cells.refuses("--genome p.bam", 1, &["p.bam: a BAM file"]);
    // And where a track is expected.
    cells.write("A/bigwig.txt", "../p.bam\tDGF\n");
    cells.write("A/chip.txt", "CTCF.bed\tCTCF\n");
    cells.refuses("", 1, &["p.bam: a BAM file of reads; expected a bigWig"]);
}
