//! A table as colours, rows and columns ordered by their trees.

use super::clusters::Tree;
use super::svg::{Svg, width_of};

/// Pixels: a cell at most, and the space of the trees, the labels and the scale.
const CELL: (f64, f64) = (22.0, 22.0);
const TREE: f64 = 70.0;
const GAP: f64 = 6.0;
const MARGIN: f64 = 16.0;
const LETTER: f64 = 6.2;
const TITLE: f64 = 13.0;
const SCALE: (f64, f64) = (14.0, 110.0);
const COLOURS: [(f64, f64, f64); 3] = [
    (35.0, 87.0, 153.0),
    (247.0, 247.0, 247.0),
    (178.0, 40.0, 52.0),
];

/// What is drawn.
pub struct HeatMap<'a> {
    pub title: &'a str,
    /// What a number is, beside the scale.
    pub scale: &'a str,
    pub rows: &'a [String],
    pub columns: &'a [String],
    /// rows x columns.
    pub values: &'a [f64],
    pub row_tree: &'a Tree,
    pub column_tree: &'a Tree,
}

/// Blue below 0, white at 0, red above; the scale ends at the largest absolute value.
pub fn heat_map_svg(map: &HeatMap) -> String {
    let width = |labels: &[String]| {
        let letters = labels.iter().map(|label| label.chars().count()).max();
        letters.unwrap_or(0) as f64 * LETTER + 2.0 * GAP
    };
    let (rows, columns) = (map.rows.len() as f64, map.columns.len() as f64);
    let (left, top) = (MARGIN + TREE + GAP, MARGIN + 24.0 + TREE + GAP);
    let (right, bottom) = (left + columns * CELL.0, top + rows * CELL.1);
    let scale_left = right + width(map.rows) + 24.0;
    // Few columns are narrower than the title.
    let mut svg = Svg::new(
        (scale_left + SCALE.0 + 70.0).max(left + width_of(map.title, TITLE) + MARGIN),
        bottom.max(top + SCALE.1) + width(map.columns) + MARGIN,
    );
    svg.label((left, MARGIN + 10.0), TITLE, "start", map.title);
    let most = map.values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    for (i, &row) in map.row_tree.order.iter().enumerate() {
        for (j, &column) in map.column_tree.order.iter().enumerate() {
            let value = map.values[row * map.columns.len() + column];
            svg.push(format_args!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
                left + j as f64 * CELL.0,
                top + i as f64 * CELL.1,
                CELL.0,
                CELL.1,
                colour(value, most)
            ));
        }
        let y = top + (i as f64 + 0.5) * CELL.1 + 3.5;
        svg.label((right + GAP, y), 10.0, "start", &map.rows[row]);
    }
    for (j, &column) in map.column_tree.order.iter().enumerate() {
        let x = left + (j as f64 + 0.5) * CELL.0 + 3.5;
        svg.upright((x, bottom + GAP), 10.0, &map.columns[column]);
    }
    draw_tree(&mut svg, map.row_tree, |place, height| {
        (left - GAP - height * TREE, top + (place + 0.5) * CELL.1)
    });
    draw_tree(&mut svg, map.column_tree, |place, height| {
        (left + (place + 0.5) * CELL.0, top - GAP - height * TREE)
    });
    draw_scale(&mut svg, (scale_left, top), map.scale, most);
    svg.finish()
}

/// `at`: where a place of the order and a height, as a share of the tree's, lie.
fn draw_tree(svg: &mut Svg, tree: &Tree, at: impl Fn(f64, f64) -> (f64, f64)) {
    let highest = tree
        .joins
        .iter()
        .fold(0.0f64, |most, join| most.max(join.height));
    let share = |height: f64| if highest > 0.0 { height / highest } else { 0.0 };
    for join in &tree.joins {
        let corner = join.stems.map(|(place, _)| at(place, share(join.height)));
        for ((place, height), corner) in join.stems.into_iter().zip(corner) {
            svg.line(at(place, share(height)), corner);
        }
        svg.line(corner[0], corner[1]);
    }
}

fn draw_scale(svg: &mut Svg, (left, top): (f64, f64), name: &str, most: f64) {
    const STEPS: usize = 44;
    let step = SCALE.1 / STEPS as f64;
    for i in 0..STEPS {
        let value = 1.0 - 2.0 * (i as f64 + 0.5) / STEPS as f64;
        svg.push(format_args!(
            "<rect x=\"{left:.1}\" y=\"{:.2}\" width=\"{}\" height=\"{:.2}\" fill=\"{}\"/>",
            top + i as f64 * step,
            SCALE.0,
            step + 0.3,
            colour(value, 1.0)
        ));
    }
    for (share, value) in [(0.0, most), (0.5, 0.0), (1.0, -most)] {
        let y = top + share * SCALE.1 + 3.5;
        svg.label(
            (left + SCALE.0 + 4.0, y),
            9.0,
            "start",
            &format!("{value:.2}"),
        );
    }
    svg.label((left, top - 8.0), 10.0, "start", name);
}

fn colour(value: f64, most: f64) -> String {
    let share = if most > 0.0 {
        (value / most).clamp(-1.0, 1.0)
    } else {
        0.0
    };
    let [blue, white, red] = COLOURS;
    let end = if share < 0.0 { blue } else { red };
    let mix = |from: f64, to: f64| (from + (to - from) * share.abs()).round();
    format!(
        "rgb({},{},{})",
        mix(white.0, end.0),
        mix(white.1, end.1),
        mix(white.2, end.2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::clusters::tree;

    #[test]
    fn cells_follow_the_trees_and_the_largest_is_the_strongest() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_string()).collect::<Vec<_>>();
        let (rows, columns) = (names(&["B", "T & NK"]), names(&["Pax5", "Ebf1", "Rorc"]));
        let values = [1.0, 0.9, -2.0, 0.0, 0.0, 0.5];
        let across: Vec<Vec<f64>> = (0..3).map(|c| vec![values[c], values[3 + c]]).collect();
        let text = heat_map_svg(&HeatMap {
            title: "weights",
            scale: "z",
            rows: &rows,
            columns: &columns,
            values: &values,
            row_tree: &tree(&[values[..3].to_vec(), values[3..].to_vec()]),
            column_tree: &tree(&across),
        });
        assert!(text.contains("fill=\"rgb(35,87,153)\"") && text.contains(">T &amp; NK<"));
        let first = text.find(">Pax5<").unwrap();
        assert!(first < text.find(">Ebf1<").unwrap() && text.contains(">-2.00<"));
        assert!(text.ends_with("</svg>\n") && !text.contains("NaN"));
    }

    #[test]
    fn a_picture_is_as_wide_as_its_title() {
        let names = ["a".to_string()];
        let one = tree(&[vec![0.0]]);
        let title = "Final layer: the first 3 motifs of each output of a long name";
        let text = heat_map_svg(&HeatMap {
            title,
            scale: "weight",
            rows: &names,
            columns: &names,
            values: &[1.0],
            row_tree: &one,
            column_tree: &one,
        });
        let width = text.split("width=\"").nth(1).unwrap();
        let width: f64 = width.split('"').next().unwrap().parse().unwrap();
        assert!(width > 92.0 + 7.0 * title.len() as f64, "{width}");
    }

    #[test]
    fn zeros_are_white() {
        assert_eq!(colour(0.0, 0.0), "rgb(247,247,247)");
        assert_eq!(colour(3.0, 3.0), "rgb(178,40,52)");
    }
}
