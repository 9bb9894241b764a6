//! Which parts of the genome train, validate and test.

use super::svg::{Svg, shortened};

/// Pixels.
const LEFT: f64 = 90.0;
const TOP: f64 = 34.0;
const LINE: f64 = 17.0;
const BAR: f64 = 11.0;
const WIDTH: f64 = 720.0;
const RIGHT: f64 = 16.0;
/// The longest chromosome's columns.
const COLUMNS: usize = 360;
/// Chromosomes that are drawn, those with most rows.
const MOST: usize = 40;
/// By part: training, validation, test.
const COLOURS: [&str; 3] = ["#b9c4d0", "#f0a830", "#c2303e"];

/// Where rows lie on a chromosome: the place of a row, and its part (0 training, 1 validation, 2 test).
pub struct Chromosome {
    pub name: String,
    pub rows: Vec<(u64, usize)>,
}

/// A line per chromosome as long as its last row's place; where rows of several parts share a column, the rarest part is shown. Also
/// gives how many chromosomes were left out.
pub fn chromosome_map_svg(chromosomes: &[Chromosome]) -> (String, usize) {
    let mut places: Vec<usize> = (0..chromosomes.len()).collect();
    places.sort_by_key(|&i| std::cmp::Reverse(chromosomes[i].rows.len()));
    let left_out = places.len().saturating_sub(MOST);
    places.truncate(MOST);
    places.sort_unstable();
    let end = |chromosome: &Chromosome| chromosome.rows.iter().map(|row| row.0).max();
    let longest = places.iter().filter_map(|&i| end(&chromosomes[i])).max();
    let longest = longest.unwrap_or(0) + 1;
    let mut svg = Svg::new(
        LEFT + WIDTH + RIGHT,
        TOP + places.len() as f64 * LINE + 10.0,
    );
    let mut x = LEFT;
    for (name, colour) in ["training", "validation", "test"].into_iter().zip(COLOURS) {
        svg.push(format_args!(
            "<rect x=\"{x}\" y=\"10\" width=\"12\" height=\"12\" fill=\"{colour}\"/>"
        ));
        svg.label((x + 17.0, 20.0), 11.0, "start", name);
        x += 100.0;
    }
    for (line, &i) in places.iter().enumerate() {
        let chromosome = &chromosomes[i];
        let y = TOP + line as f64 * LINE;
        svg.label(
            (LEFT - 8.0, y + BAR - 1.5),
            11.0,
            "end",
            &shortened(&chromosome.name, 12),
        );
        let own = end(chromosome).unwrap_or(0) + 1;
        svg.push(format_args!(
            "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"#f3f3f3\"/>",
            WIDTH * own as f64 / longest as f64
        ));
        let mut columns = vec![[0_u32; 3]; COLUMNS];
        for &(place, part) in &chromosome.rows {
            let column = (place as u128 * COLUMNS as u128 / u128::from(longest)) as usize;
            columns[column.min(COLUMNS - 1)][part.min(2)] += 1;
        }
        let shown = |counts: &[u32; 3]| (0..3).rev().find(|&part| counts[part] > 0);
        let width = WIDTH / COLUMNS as f64;
        let mut at = 0;
        for run in columns.chunk_by(|a, b| shown(a) == shown(b)) {
            if let Some(part) = shown(&run[0]) {
                svg.push(format_args!(
                    "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{}\"/>",
                    LEFT + at as f64 * width,
                    run.len() as f64 * width,
                    COLOURS[part]
                ));
            }
            at += run.len();
        }
    }
    (svg.finish(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_colours_and_short_chromosomes_short_lines() {
        let rows = |rows: &[(u64, usize)]| rows.to_vec();
        let chromosomes = [
            Chromosome {
                name: "chr1".into(),
                rows: rows(&[(0, 0), (10, 0), (500, 1), (999, 2)]),
            },
            Chromosome {
                name: "a<b".into(),
                rows: rows(&[(499, 2)]),
            },
        ];
        let (text, left_out) = chromosome_map_svg(&chromosomes);
        assert_eq!(left_out, 0);
        assert!(
            text.contains(">a&lt;b<")
                && text.contains("width=\"360.0\" height=\"11\" fill=\"#f3f3f3\"")
        );
        let drawn = |colour: &str| {
            text.matches(&format!("height=\"11\" fill=\"{colour}\""))
                .count()
        };
        assert_eq!(COLOURS.map(drawn), [2, 1, 2]);
        let many: Vec<Chromosome> = (0..50)
            .map(|i| Chromosome {
                name: format!("c{i}"),
                rows: rows(&[(1, 0)]),
            })
            .collect();
        assert_eq!(chromosome_map_svg(&many).1, 10);
        chromosome_map_svg(&[]);
    }
}
