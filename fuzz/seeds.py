#!/usr/bin/env python3
"""Makes the small sound files of every corpus: one or more of each form that a reader takes, so that fuzzing begins where
the interesting code is. Needs numpy, h5py and pyBigWig. What fuzzing found lies beside them, under names that
begin with 'found-'; this script leaves those alone.
"""

import gzip
import io
import json
from pathlib import Path

import h5py
import numpy
import pyBigWig

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
TESTS = HERE.parent / "tests/data"


def seed(parser, name, content):
    folder = CORPUS / parser
    folder.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)


def text(parser, name, content):
    """A text as it is, and packed: the readers unpack on the way."""
    seed(parser, name, content)
    seed(parser, name + ".gz", gzip.compress(content.encode(), mtime=0))


BED = "track name=x\n#chrom\tstart\tend\nchr1\t10\t30\tpeak\t7\t+\nchr2 7 9\nchr1\t990\t1010\n"
text("bed", "bed", BED)
seed("bed", "crlf", BED.replace("\n", "\r\n"))
seed("bed", "cr", BED.replace("\n", "\r"))
PEAKS = "chr1\t10\t30\tp1\t900\t.\t5.5\t-1\t3.2\t12\nchr2\t0\t499\t.\t0\t-\t1e3\t2\t-1\t-1\nchrUn\t5\t6\tq\t1\t.\t0\t0\t0\t0\n"
text("narrow_peak", "peaks", PEAKS)
seed("narrow_peak", "past_the_end", PEAKS + "chr1\t990\t1200\np\t1\t.\t0\t0\t0\t0\nchr1\t1200\t1300\nchr1\t5\t5\n")

text("chrom_sizes", "sizes", "chr1\t1000\nchr2\t500\n")
seed("chrom_sizes", "fai", "chr1\t1000\t6\t60\t61\nchr2 500 1029 60 61\n")

text("fasta", "genome", ">chr1 a word\nACGTNacgtnRYSWKM\nBDHV\n\n>chr2\nAC\n")
seed("fasta", "list", "chr1:0-4\tACGT\npeak 2\tNNAC\n")
seed("fasta", "bed", "chr1\t1\t5\nchr2\t0\t4\tname\n")

GTF = "\n".join(
    f"chr1\tHAVANA\t{feature}\t{start}\t{end}\t.\t{strand}\t{frame}\tgene_id \"G{g}\"; transcript_id \"T{g}\"; exon_number {n};"
    for feature, start, end, strand, frame, g, n in [
        ("gene", 100, 400, "+", ".", 1, 1), ("transcript", 100, 400, "+", ".", 1, 1), ("exon", 100, 150, "+", ".", 1, 1),
        ("CDS", 120, 150, "+", "0", 1, 1), ("exon", 300, 400, "+", ".", 1, 2), ("stop_codon", 350, 352, "+", "0", 1, 2),
        ("exon", 600, 700, "-", ".", 2, 1), ("exon", 500, 550, "-", ".", 2, 2), ("exon", 10, 20, "?", ".", 3, 1),
    ])
text("gtf", "gencode", "##description: made for this\n" + GTF + "\n")
seed("gtf", "ncbi", 'chr1\tRefSeq\texon\t1\t9\t.\t+\t.\tgene_id ""; transcript_id "unknown_transcript_1"; note "a; b";\n'
     'chr2\tRefSeq\texon\t1\t9\t.\t-\t.\tgene_id "x"; transcript_id "unknown_transcript_1";\n')

HEAD = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.3 C 0.2 G 0.2 T 0.3\n\n"
MATRIX = "letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0\n 0.1 0.2 0.3 0.4\n 1.0 0 0 0\nURL http://x\n\n"
text("meme", "jaspar", HEAD + "MOTIF MA0002.3 Runx1\n" + MATRIX + "MOTIF b\n" + MATRIX)
seed("meme", "hocomoco", HEAD + "MOTIF CTCF.H12CORE.0.P.B\n" + MATRIX)
seed("meme", "program", "MEME version 5.5\nALPHABET= ACGT\nMOTIF CAG MEME-1 width = 2 sites = 5 llr = 9 E-value = 1e-3\n"
     "Simplified pos.-specific probability matrix\nA  1:\nbits 2.1 *\n 1.9 **\n 1.0 **\n--\nsites sorted by position p-value\n"
     "1seq 12 1.2e-3 ACG CAG TT\n\tMotif CAG MEME-1 position-specific probability matrix\n" + MATRIX + "SUMMARY OF MOTIFS\n")

text("table", "signals", "K562\tMCF7\np1\t1\t-2.5\np2\t0\t1e3\n")
seed("table", "named", "name\tK562\tMCF7\r\np1\t1\t-2.5\r\n")
seed("table", "r", '"K562" "MCF7"\n"p1" 1 -2.5\n')
seed("table", "csv", "name,K562,MCF7\np1,1,-2.5\n")

text("lists", "bigwig", "a.bw Unique35\n\n/data/b.bw\tDGF\n")
seed("lists", "chip", "# peaks\nc.bed\tCTCF\tr.bed\nm.bed MAX\n")
seed("lists", "meta", "-1.5e-1\tGEPC1\n0.25 GEPC2\n")


def npy(array, **options):
    file = io.BytesIO()
    numpy.save(file, array, **options)
    return file.getvalue()


seed("npy", "i64", npy(numpy.arange(5)))
seed("npy", "i32_big_endian", npy(numpy.arange(5, dtype=">i4")))
seed("npy", "mask", npy(numpy.array([True, False, True])))
seed("npy", "names", npy(numpy.array(["p1", "p22"])))
seed("npy", "bytes", npy(numpy.array([b"p1", b"p22"])))
seed("npy", "f64", npy(numpy.array([0.0, 3.0])))
seed("npy", "matrix", npy(numpy.arange(6).reshape(2, 3)))
seed("npy", "objects", npy(numpy.array([1, "a"], dtype=object), allow_pickle=True))

for file in (TESTS / "pytorch").glob("*.pt"):
    seed("pickle", file.name, file.read_bytes())
for file in (TESTS / "pytorch").glob("*.safetensors"):
    seed("safetensors", file.name, file.read_bytes())

KERAS = TESTS / "golden/factornet/keras_files"
for folder in sorted(KERAS.iterdir()):
    model = folder / "model.json"
    if model.exists():
        seed("keras_json", folder.name, model.read_bytes())
seed("hdf5", "keras", (KERAS / "train_T1_gmax_nometa/final_model.hdf5").read_bytes())
for libver in ["earliest", "latest"]:
    file = io.BytesIO()
    with h5py.File(file, "w", libver=libver) as out:
        out.attrs["layer_names"] = [b"a", b"b"]
        for name, options in [("a", {}), ("b", dict(chunks=(2, 2), compression="gzip", shuffle=True))]:
            group = out.create_group(name)
            group.attrs["weight_names"] = [name.encode() + b"_W"]
            group.create_dataset(name + "_W", data=numpy.ones((4, 2), "f4"), **options)
    seed("hdf5", libver, file.getvalue())

for name, chromosomes, values in [
    ("two", [("chr1", 1000), ("chr2", 500)], [("chr1", 10, 20, 1.5), ("chr1", 20, 25, 0.5), ("chr2", 0, 500, 2.0)]),
    ("no_value", [("chr1", 1000)], []),
]:
    path = CORPUS / "bigwig" / name
    seed("bigwig", name, b"")
    file = pyBigWig.open(str(path), "w")
    file.addHeader(chromosomes, maxZooms=1 if values else 0)
    for chromosome, start, end, value in values:
        file.addEntries([chromosome], [start], ends=[end], values=[value])
    file.close()
path = CORPUS / "bigwig/fixed_step"
seed("bigwig", "fixed_step", b"")
file = pyBigWig.open(str(path), "w")
file.addHeader([("chr1", 1000)], maxZooms=0)
file.addEntries("chr1", 100, values=[1.0, 2.0, 3.0], span=5, step=7)
file.close()

TISFM = {
    "version": "0.1.0", "model": "tisfm",
    "architecture": {"name": "small", "summary": "", "block": [
        {"op": "motifs", "strands": "both", "calibrated": False}, {"op": "activation", "kind": "sigmoid"},
        {"op": "global_max_pool"}, {"op": "linear", "name": "linreg", "start": "plain"}]},
    "motifs": ["m1", "m2"], "motif_width": 5, "outputs": ["o1"], "window": 60, "trainable": "all", "data": None,
    "precision": "f32", "files": [{"path": "/a", "sha256": "00"}], "flags": {"lr": 0.001, "seed": 0},
}
seed("config", "made_up", json.dumps(TISFM, indent=2))
seed("config", "old", json.dumps({k: v for k, v in TISFM.items() if k != "model"}))

seed("toml", "motifs", 'name = "mine"\nsummary = "x"\n\n[[block]]\nop = "motifs"\nstrands = "both"\ncalibrated = true\n\n[[block]]\n'
     'op = "activation"\nkind = "sigmoid"\n\n[[block]]\nop = "attention_pool"\nname = "pool"\nextent = { parts = 3 }\n\n'
     '[[block]]\nop = "linear"\nname = "linreg"\nstart = "linear"\n')
seed("toml", "convolution", 'name = "mine"\n[[block]]\nop = "convolution"\nname = "c"\nfilters = 8\nwidth = 5\npadding = 2\nstart = "relu"\n'
     '[[block]]\nop = "focal"\nname = "f"\nwidths = [3, 5]\n[[block]]\nop = "max_pool"\nwindow = 2\nstride = 2\npadding = 0\n')


def two_bit(order, chromosomes):
    """The format of UCSC's specification; each chromosome: name, bases, starts and sizes of N, of the soft mask."""
    word = lambda *numbers: b"".join(n.to_bytes(4, order) for n in numbers)
    index, records = b"", b""
    at = 16 + sum(5 + len(name) for name, *_ in chromosomes)
    for name, bases, unknown, masked in chromosomes:
        index += bytes([len(name)]) + name.encode() + word(at + len(records))
        codes = ["TCAG".index(base) for base in bases] + [0] * (-len(bases) % 4)
        packed = bytes(sum(c << (6 - 2 * i) for i, c in enumerate(codes[k : k + 4])) for k in range(0, len(codes), 4))
        blocks = b"".join(word(len(runs), *[s for s, _ in runs], *[n for _, n in runs]) for runs in (unknown, masked))
        records += word(len(bases)) + blocks + word(0) + packed
    return word(0x1A412743, 0, len(chromosomes), 0) + index + records


for order in ["little", "big"]:
    seed("twobit", order, two_bit(order, [("chr1", "ACGTACGTACG", [(2, 3)], [(0, 4), (6, 2)]), ("chr2", "T", [], [])]))

VCF = (
    "##fileformat=VCFv4.3\n##contig=<ID=chr1,length=1000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
    "chr1\t5\trs1\tA\tC,GT\t9\tPASS\tDP=3\tGT\t0/1\nchr1\t7\t.\tACG\tA\t.\t.\t.\tGT\t1/2\n"
    "chr1\t9\t.\tG\t<DEL>,*,G]chr2:5],.T\t.\t.\tEND=20\tGT\t0/0\nchr2\t1\t.\tn\t.\t.\t.\t.\tGT\t./.\n"
)
text("vcf", "variants", VCF)
seed("vcf", "iupac", VCF.replace("GT\t9", "R\t9"))
seed("vcf", "unsorted", VCF.replace("chr1\t9", "chr1\t2"))
