//! Variants one after the other.

use super::chunks::Chunks;
use super::header::Header;
use super::index::REMEDY;
use super::record::{Record, parse_at};
use super::regions::Wanted;
use crate::io::distinct::Distinct;
use crate::io::seen::Seen;
use crate::io::stored::Stored;
use crate::io::text::{Lines, excerpt};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Reads a VCF file a line at a time, in the order of the file and in bounded memory.
pub struct Reader {
    path: PathBuf,
    header: Header,
    lines: Lines,
    /// The index that leads to the lines, which are not counted then.
    index: Option<PathBuf>,
    wanted: Option<Wanted>,
    line: String,
    order: Order,
    seen: Seen,
}

impl Reader {
    /// Opens a file, plain, gzip or bgzip, and reads its header. With `wanted` only sites of which a base of REF is in it are
    /// read: where a tabix or CSI index lies beside a bgzip file, that part of the file alone.
    ///
    /// # Errors
    /// Those of [`Header::read`]; a damaged index.
    pub fn open(vcf: &Stored, wanted: Option<&Wanted>) -> Result<Reader> {
        let path = vcf.path();
        let mut lines = vcf.lines()?;
        let header = Header::read(&mut lines)?;
        let mut index = None;
        if let Some(wanted) = wanted
            && let Some(chunks) = Chunks::open(vcf.file(), wanted)?
        {
            index = Some(chunks.index().to_path_buf());
            lines = Lines::new(path, chunks);
        }
        Ok(Reader {
            path: path.to_path_buf(),
            header,
            lines,
            index,
            wanted: wanted.cloned(),
            line: String::new(),
            order: Order::default(),
            seen: Seen::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The lines of the sites so far.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// The next site; `None` at the end of the file.
    ///
    /// # Errors
    /// Those of a line that is not a record of VCF; positions that go back; a chromosome that comes again after another one;
    /// those of [`Lines::read`].
    pub fn read(&mut self) -> Result<Option<Record>> {
        let found = self.next();
        let Some(index) = &self.index else {
            return found;
        };
        // A line that is cut, or of other bytes: the index may be what is wrong.
        found.map_err(|error| {
            let (index, error) = (index.display(), error.to_string());
            Error::invalid(format!(
                "{error}; where {index} led: if that is an index of another file, {REMEDY}"
            ))
        })
    }

    fn next(&mut self) -> Result<Option<Record>> {
        while self.lines.read_filled(&mut self.line)? {
            if self.line.starts_with('#') {
                return Err(self.lines.error(
                    "a header's line among the variants; files put together need one header: bcftools concat",
                ));
            }
            let line = self.index.is_none().then(|| self.lines.number());
            let record = parse_at(&self.line, line, &self.path)?;
            self.order.check(&record, &self.path)?;
            let Some(wanted) = &self.wanted else {
                return Ok(Some(self.found(record)));
            };
            if line.is_none() && !wanted.names(&record.chromosome) {
                let chromosome = excerpt(&record.chromosome);
                return Err(record.error(
                    &self.path,
                    format!("a site of {chromosome}, which is not wanted"),
                ));
            }
            if wanted.overlaps(&record.chromosome, record.position, record.last()) {
                return Ok(Some(self.found(record)));
            }
        }
        Ok(None)
    }

    fn found(&mut self, record: Record) -> Record {
        self.seen.add(self.line.as_bytes());
        self.seen.add(b"\n");
        record
    }
}

/// The order of the sites so far.
#[derive(Default)]
struct Order {
    chromosomes: Distinct,
    /// The last site's chromosome, position and place in the file.
    last: Option<(String, u64, String)>,
}

impl Order {
    fn check(&mut self, record: &Record, path: &Path) -> Result<()> {
        let todo = "expected sites in order: bcftools sort";
        let (chromosome, position) = (&record.chromosome, record.position);
        let wrong = |message: String| Err::<(), Error>(record.error(path, message));
        match &mut self.last {
            Some((last, before, place)) if last == chromosome => {
                if position < *before {
                    return wrong(format!(
                        "{chromosome}:{position} comes after {chromosome}:{before} ({place}); {todo}"
                    ));
                }
                *before = position;
                *place = record.place();
            }
            last => {
                if !self.chromosomes.add(chromosome.as_str()) {
                    let other = last.as_ref().map_or("", |(name, _, _)| name);
                    return wrong(format!(
                        "chromosome '{chromosome}' again, after '{other}'; {todo}"
                    ));
                }
                *last = Some((chromosome.clone(), position, record.place()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Philox;
    use noodles_bgzf as bgzf;
    use noodles_core::Position;
    use noodles_csi::binning_index::Indexer;
    use noodles_csi::binning_index::index::Header as Names;
    use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
    use std::io::{Read, Write};

    const HEAD: &str = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

    fn site(chromosome: &str, position: u64) -> String {
        format!("{chromosome}\t{position}\t.\tAC\tA\t.\t.\t.\n")
    }

    fn all(path: &Path, wanted: Option<&Wanted>) -> Result<Vec<Record>> {
        let mut reader = Reader::open(&Stored::open(path)?, wanted)?;
        let mut found = Vec::new();
        while let Some(record) = reader.read()? {
            found.push(record);
        }
        Ok(found)
    }

    fn error(rest: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.vcf");
        std::fs::write(&path, format!("{HEAD}{rest}")).unwrap();
        all(&path, None).unwrap_err().to_string()
    }

    fn bgzip(text: &str) -> Vec<u8> {
        let mut writer = bgzf::io::Writer::new(Vec::new());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn plain_gzip_and_bgzip_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{HEAD}{}\n{}", site("chr1", 5), site("chr1", 5));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let packed = [
            text.clone().into_bytes(),
            gzip.finish().unwrap(),
            bgzip(&text),
            text.replace('\n', "\r\n").into_bytes(),
        ];
        let found: Vec<_> = packed
            .iter()
            .map(|bytes| {
                let path = folder.path().join("v");
                std::fs::write(&path, bytes).unwrap();
                all(&path, None).unwrap()
            })
            .collect();
        assert_eq!((found[0].len(), found[0][1].line), (2, Some(5)));
        assert!(found.iter().all(|records| records == &found[0]));
    }

    #[test]
    fn sites_must_be_in_order() {
        let text = site("chr1", 5) + &site("chr1", 4);
        let found = error(&text);
        let expected = "v.vcf, line 4: chr1:4 comes after chr1:5 (line 3); expected sites in order";
        assert!(found.contains(expected), "{found}");
        let text = site("chr1", 5) + &site("chr2", 4) + &site("chr1", 9);
        let found = error(&text);
        let expected = "line 5: chromosome 'chr1' again, after 'chr2'; expected sites in order";
        assert!(found.contains(expected), "{found}");
        assert!(error(HEAD).contains("line 3: a header's line among the variants"));
        assert!(error("chr1\t5\n").contains("line 3: 2 of 8 columns"));
    }

    /// The bgzip file of sites, some a block, and an index of it.
    fn indexed(path: &Path, sites: &[(&str, u64)], ending: &str) {
        let mut writer = bgzf::io::Writer::new(Vec::new());
        writer.write_all(HEAD.as_bytes()).unwrap();
        let mut tbi = Indexer::default();
        let mut csi = Indexer::new(12, 6).unwrap();
        let mut names: Vec<&str> = Vec::new();
        for (i, &(chromosome, position)) in sites.iter().enumerate() {
            if i % 7 == 3 {
                writer.flush().unwrap();
            }
            let start = writer.virtual_position();
            writer
                .write_all(site(chromosome, position).as_bytes())
                .unwrap();
            let chunk = Chunk::new(start, writer.virtual_position());
            if names.last() != Some(&chromosome) {
                names.push(chromosome);
            }
            let position = |base: u64| Position::new(base as usize).unwrap();
            let (first, last) = (position(sites[i].1), position(sites[i].1 + 1));
            let context = Some((names.len() - 1, first, last, true));
            match ending {
                "tbi" => tbi.add_record(context, chunk).unwrap(),
                _ => csi.add_record(context, chunk).unwrap(),
            }
        }
        std::fs::write(path, writer.finish().unwrap()).unwrap();
        let header = Names::builder()
            .set_reference_sequence_names(names.iter().map(|&name| name.into()).collect())
            .build();
        let beside = format!("{}.{ending}", path.display());
        match ending {
            "tbi" => {
                let index = tbi.set_header(header).build(names.len());
                noodles_tabix::fs::write(beside, &index).unwrap();
            }
            _ => {
                let index = csi.set_header(header).build(names.len());
                noodles_csi::fs::write(beside, &index).unwrap();
            }
        }
    }

    #[test]
    fn an_index_leads_to_the_sites_that_reading_through_finds() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name, count: u64| (1..count).map(move |i| (name, i * 5000));
        let sites: Vec<_> = of("chr1", 50)
            .chain(of("chr2", 9))
            .chain(of("c3", 30))
            .collect();
        let plain = folder.path().join("v.vcf");
        let lines: String = sites.iter().map(|(name, at)| site(name, *at)).collect();
        std::fs::write(&plain, format!("{HEAD}{lines}")).unwrap();
        for ending in ["tbi", "csi"] {
            let path = folder.path().join(format!("{ending}.vcf.gz"));
            indexed(&path, &sites, ending);
            for regions in [
                "chr1",
                "chr1:5001-5001",
                "chr1:5,002-10,000 chr1:15,000",
                "c3:20,000-60,000 chr1:200,000-900,000 chr9",
                // Two parts of one block.
                "chr1:20,000-20,001 chr1:50,000-50,001",
                "chr2:1-2",
                "chr2 chr1 c3",
            ] {
                let wanted = Wanted::parse("--regions", regions).unwrap();
                let places = |path: &Path| -> Vec<(String, u64)> {
                    let records = all(path, Some(&wanted)).unwrap().into_iter();
                    records.map(|r| (r.chromosome, r.position)).collect()
                };
                assert_eq!(places(&path), places(&plain), "{ending} {regions}");
            }
            // The index was used, and not the whole file read: lines are not counted.
            let wanted = Wanted::parse("--regions", "chr2").unwrap();
            assert_eq!(all(&path, Some(&wanted)).unwrap()[0].line, None);
            let beside = format!("{}.{ending}", path.display());
            std::fs::write(&beside, "no index").unwrap();
            let error = all(&path, Some(&wanted)).unwrap_err().to_string();
            assert!(
                error.contains(&beside) && error.contains("not an index"),
                "{error}"
            );
            std::fs::remove_file(&beside).unwrap();
            assert!(all(&path, Some(&wanted)).unwrap()[0].line.is_some());
        }
    }

    /// The bytes of an index, unpacked.
    fn unpacked(path: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        let file = std::fs::read(path).unwrap();
        bgzf::io::Reader::new(file.as_slice())
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut writer = bgzf::io::Writer::new(Vec::new());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_damaged_index_is_refused_or_leads_to_sites_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name, count: u64| (1..count).map(move |i| (name, i * 5000));
        let sites: Vec<_> = of("chr1", 30).chain(of("chr2", 9)).collect();
        let wanted = Wanted::parse("--regions", "chr1:20,000-90,000 chr2:1-9000").unwrap();
        let (mut random, mut refused) = (Philox::new(3), 0);
        for ending in ["tbi", "csi"] {
            let path = folder.path().join(format!("{ending}.vcf.gz"));
            indexed(&path, &sites, ending);
            let beside = PathBuf::from(format!("{}.{ending}", path.display()));
            let whole = unpacked(&beside);
            let right = all(&path, Some(&wanted)).unwrap();
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (random.bits(0, at as u64) % 8);
                std::fs::write(&beside, packed(&bytes)).unwrap();
                match all(&path, Some(&wanted)) {
                    Ok(found) => assert!(
                        found
                            .iter()
                            .all(|one| right.contains(one) || one.line.is_some())
                    ),
                    Err(error) => {
                        let error = error.to_string();
                        assert!(error.contains(&beside.display().to_string()), "{error}");
                        refused += 1;
                    }
                }
                random = Philox::new(at as u64);
            }
            for cut in (0..whole.len()).step_by(7) {
                std::fs::write(&beside, packed(&whole[..cut])).unwrap();
                assert!(all(&path, Some(&wanted)).is_err());
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn an_index_of_another_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.vcf.gz");
        let (a, b) = (
            folder.path().join("a.vcf.gz"),
            folder.path().join("b.vcf.gz"),
        );
        let of = |name, count: u64| (1..count).map(move |i| (name, i * 5000));
        let many: Vec<_> = of("chr1", 60).chain(of("chr2", 60)).collect();
        let few: Vec<_> = of("chr1", 20).chain(of("chr2", 60)).collect();
        indexed(&a, &many, "tbi");
        indexed(&b, &few, "tbi");
        std::fs::copy(&a, &path).unwrap();
        std::fs::copy(b.with_extension("gz.tbi"), path.with_extension("gz.tbi")).unwrap();
        let wanted = Wanted::parse("--regions", "chr2").unwrap();
        let error = all(&path, Some(&wanted)).unwrap_err().to_string();
        assert!(error.contains("v.vcf.gz.tbi led"), "{error}");
        // A chromosome that the index does not have is looked for in the file.
        let wanted = Wanted::parse("--regions", "chr2 chr3").unwrap();
        assert_eq!(all(&path, Some(&wanted)).unwrap().len(), 59);
    }

    #[test]
    fn an_index_older_than_its_file_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.vcf.gz");
        indexed(&path, &[("chr1", 5), ("chr1", 90_000)], "tbi");
        let text = format!("{HEAD}{}{}", site("chr0", 7), site("chr1", 90_000));
        std::fs::write(&path, bgzip(&text)).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(later).unwrap();
        let wanted = Wanted::parse("--regions", "chr0").unwrap();
        assert_eq!(all(&path, Some(&wanted)).unwrap().len(), 1);
    }
}
