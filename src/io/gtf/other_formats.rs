//! What is given for a GTF and is none.

/// What a line is that belongs to another format, with the way to a GTF.
pub fn other_format(columns: &[&str]) -> Option<String> {
    let whole = |place: usize| {
        let column = columns.get(place);
        column.is_some_and(|text| text.parse::<u32>().is_ok())
    };
    let is_strand = |place: usize| matches!(columns.get(place), Some(&("+" | "-")));
    let found = if whole(1) && whole(2) && columns.len() == 12 {
        "a BED file of transcripts (BED12), where a GTF is expected; convert it to GTF first, as with bedToGenePred and genePredToGtf"
    } else if whole(1) && whole(2) {
        "a BED file, where a GTF is expected; BED files of features, one each, go with --annotations DIR"
    } else if (is_strand(3) && whole(4) && whole(5)) || (is_strand(2) && whole(3) && whole(4)) {
        "a table of transcripts of the UCSC Genome Browser (genePred, as refGene.txt), where a GTF is expected; convert it to GTF first, as with genePredToGtf file"
    } else if is_gff3(columns.get(8)?) {
        "a GFF3 file (ID=, Parent=), where a GTF is expected; convert it to GTF first, as with gffread -T IN.gff3 -o OUT.gtf"
    } else {
        return None;
    };
    Some(found.to_string())
}

/// `key=value` where a GTF has `key "value"`.
fn is_gff3(attributes: &str) -> bool {
    let text = attributes.trim_start();
    let end = text.find(|c: char| c == '=' || c == '"' || c == ';' || c.is_whitespace());
    end.is_some_and(|end| text[end..].starts_with('='))
}
