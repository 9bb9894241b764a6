//! Named stretches as arrows in lanes.

use super::scale::{LEFT, RIGHT, Scale};
use super::{DOWN, Hit, SMALL, UP};
use crate::report::svg::{Svg, fitted, width_of};

/// Pixels: a lane, with a name above an arrow.
const LANE: f64 = 23.0;
const ARROW: f64 = 7.0;
/// The narrowest arrow.
const NARROWEST: f64 = 3.0;
const LONGEST_NAME: f64 = 220.0;
/// Between neighbors, and below an arrow.
const SPACE: f64 = 4.0;

const LANES: usize = 4;

/// A hit in a lane, 0 the lowest.
pub(super) struct Placed {
    /// Which of the hits.
    pub hit: usize,
    lane: usize,
    name: String,
    /// The middle of its name.
    middle: f64,
    /// Where its arrow begins and ends.
    ends: (f64, f64),
    /// The hit begins, and ends, on the scale.
    whole: (bool, bool),
}

/// Lays the hits in lanes, the most important first and each as low as there is room; those without room are left out.
pub(super) fn placed(hits: &[Hit], scale: &Scale) -> Vec<Placed> {
    let size = |hit: &Hit| match hit.importance.abs() {
        size if size.is_nan() => 0.0,
        size => size,
    };
    let mut order: Vec<usize> = (0..hits.len()).collect();
    order.sort_by(|&a, &b| size(&hits[b]).total_cmp(&size(&hits[a])));
    let mut lanes: [Vec<(f64, f64)>; LANES] = Default::default();
    let mut placed = Vec::new();
    for hit in order {
        let Hit { start, end, .. } = hits[hit];
        let Some(bases) = scale.clipped(start, end) else {
            continue;
        };
        let (from, to) = (scale.x(bases.start), scale.x(bases.end));
        let more = (NARROWEST - (to - from)).max(0.0) / 2.0;
        let ends = (from - more, to + more);
        let name = fitted(&hits[hit].name, SMALL, LONGEST_NAME);
        let half = width_of(&name, SMALL) / 2.0;
        let middle = ((from + to) / 2.0).clamp(LEFT + half, RIGHT - half);
        let taken = (ends.0.min(middle - half), ends.1.max(middle + half) + SPACE);
        let free = |lane: &Vec<(f64, f64)>| {
            let mut others = lane.iter();
            others.all(|other| other.1 <= taken.0 || taken.1 <= other.0)
        };
        if let Some(lane) = lanes.iter().position(free) {
            lanes[lane].push(taken);
            placed.push(Placed {
                hit,
                lane,
                name,
                middle,
                ends,
                whole: (bases.start == start, bases.end == end),
            });
        }
    }
    placed
}

/// Pixels that the lanes need.
pub(super) fn height(placed: &[Placed]) -> f64 {
    let lanes = placed.iter().map(|placed| placed.lane + 1).max();
    lanes.unwrap_or(0) as f64 * LANE
}

impl Placed {
    /// Its lane counts from `bottom` up. The arrow points where the strand reads; an end that is cut off has no point.
    pub fn draw(&self, svg: &mut Svg, hit: &Hit, bottom: f64) {
        let bottom = bottom - self.lane as f64 * LANE - SPACE;
        let (top, middle) = (bottom - ARROW, bottom - ARROW / 2.0);
        let (a, b) = self.ends;
        let point = (ARROW * 0.8).min(b - a);
        let (from, to) = match (hit.strand, self.whole) {
            ('-', (true, _)) => (a + point, b),
            ('+', (_, true)) => (a, b - point),
            _ => (a, b),
        };
        let color = if hit.importance < 0.0 { DOWN } else { UP };
        svg.push(format_args!(
            "<path fill=\"{color}\" d=\"M{from:.1} {top:.1}H{to:.1}L{b:.1} {middle:.1}L{to:.1} {bottom:.1}H{from:.1}L{a:.1} {middle:.1}Z\"/>"
        ));
        svg.label((self.middle, top - 3.0), SMALL, "middle", &self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(start: usize, end: usize, importance: f64) -> Hit {
        Hit {
            start,
            end,
            name: "TF".into(),
            strand: '+',
            importance,
        }
    }

    /// Which hits are in which lane, the most important first.
    fn lanes(hits: &[Hit]) -> Vec<(usize, usize)> {
        let placed = placed(hits, &Scale::of(0..100));
        placed
            .iter()
            .map(|placed| (placed.hit, placed.lane))
            .collect()
    }

    #[test]
    fn the_most_important_are_lowest_and_none_overlap() {
        let hits = [
            hit(10, 20, 0.5),
            hit(15, 25, -2.0),
            hit(40, 50, 0.1),
            hit(18, 30, f64::NAN),
        ];
        assert_eq!(lanes(&hits), [(1, 0), (0, 1), (2, 0), (3, 2)]);
        // The fifth of those at one place has no lane; what lies beyond the scale none either.
        let many: Vec<Hit> = (0..6).map(|i| hit(3, 9, f64::from(i))).collect();
        assert_eq!(lanes(&many), [(5, 0), (4, 1), (3, 2), (2, 3)]);
        assert_eq!(lanes(&[hit(100, 110, 1.0), hit(9, 9, 1.0)]), []);
        assert_eq!(lanes(&[hit(99, 200, 1.0)]), [(0, 0)]);
    }

    #[test]
    fn names_stay_in_the_picture_and_take_room() {
        let long = |start, end| Hit {
            name: "a name longer than what it names".into(),
            ..hit(start, end, 1.0)
        };
        let hits = [long(0, 2), long(98, 100), long(4, 6)];
        let placed = placed(&hits, &Scale::of(0..100));
        let half = width_of(&hits[0].name, SMALL) / 2.0;
        assert_eq!(placed[0].middle, LEFT + half);
        assert_eq!(placed[1].middle, RIGHT - half);
        assert_eq!([0, 1, 2].map(|i| placed[i].lane), [0, 0, 1]);
    }

    #[test]
    fn arrows_point_where_the_strand_reads() {
        let path = |strand, start, end, importance| {
            let hits = [Hit {
                strand,
                ..hit(start, end, importance)
            }];
            let mut svg = Svg::new(1.0, 1.0);
            placed(&hits, &Scale::of(10..60))[0].draw(&mut svg, &hits[0], 50.0);
            let text = svg.finish();
            let path = text.split("<path ").nth(1).unwrap();
            path.split("/>").next().unwrap().to_string()
        };
        let at = |from: &str, to: &str, b: &str, a: &str, color: &str| {
            format!("fill=\"{color}\" d=\"M{from} 39.0H{to}L{b} 42.5L{to} 46.0H{from}L{a} 42.5Z\"")
        };
        let plus = at("174.0", "268.4", "274.0", "174.0", UP);
        assert_eq!(path('+', 15, 20, 1.0), plus);
        let minus = at("179.6", "274.0", "274.0", "174.0", DOWN);
        assert_eq!(path('-', 15, 20, -1.0), minus);
        let neither = at("174.0", "274.0", "274.0", "174.0", UP);
        assert_eq!(path('.', 15, 20, 0.0), neither);
        // It begins before the scale.
        let cut = at("74.0", "94.0", "94.0", "74.0", UP);
        assert_eq!(path('-', 5, 11, 1.0), cut);
    }
}
