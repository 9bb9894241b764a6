use super::cpu::kept;
use crate::check::case::{Case, Input};
use crate::engine::Noise;

pub fn cases() -> Vec<Case> {
    // What the harness runs with.
    let noise = Noise {
        seed: 3,
        step: 1,
        first_row: 0,
    };
    let mut cases = Vec::new();
    for (rows, n, p) in [(4, 1, 0.5), (4, 40, 0.03), (4, 33, 0.6), (254, 5, 0.3)] {
        let case = || {
            op_case!(
                "dropout",
                format!("{rows} x {n} by {p}"),
                rows,
                [Input::rows(&[n])],
                |tape, v| {
                    // A view: outside training the op is its input, which no harness can read.
                    let x = tape.view(v[0], &[n, 1]);
                    super::dropout(tape, x, p, 7)
                }
            )
        };
        cases.push(case().reference(move |x, _, rows| {
            let kept = kept(noise, p, 7, n);
            (0..rows * n)
                .map(|i| match kept(i / n, i % n) {
                    true => x[0][i] / (1.0 - p),
                    false => 0.0,
                })
                .collect()
        }));
        let mut identity = case().evaluation().reference(|x, _, _| x[0].clone());
        identity.label += ", evaluation";
        cases.push(identity);
        let shared = op_case!(
            "dropout",
            format!("{n} by {p}, one for {rows} rows"),
            rows,
            [Input::shared(&[n])],
            |tape, v| { super::dropout(tape, v[0], p, 7) }
        );
        cases.push(shared.reference(move |x, _, rows| {
            let kept = kept(noise, p, 7, n);
            (0..rows * n)
                .map(|i| match kept(i / n, i % n) {
                    true => x[0][i % n] / (1.0 - p),
                    false => 0.0,
                })
                .collect()
        }));
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_share_that_was_asked_for_and_not_the_same_at_each_step() {
        let noise = |step| Noise {
            seed: 9,
            step,
            first_row: 5,
        };
        let (a, b) = (kept(noise(1), 0.3, 0, 100), kept(noise(2), 0.3, 0, 100));
        let all = || (0..100).flat_map(|row| (0..100).map(move |i| (row, i)));
        let stay = all().filter(|&(r, i)| a(r, i)).count();
        assert!((6850..7150).contains(&stay), "{stay}");
        let both = all().filter(|&(r, i)| a(r, i) && b(r, i)).count();
        assert!((4700..5100).contains(&both), "{both}");
    }

    #[test]
    fn a_piece_of_a_batch_draws_what_the_whole_draws() {
        let at = |first_row| {
            let noise = Noise {
                seed: 1,
                step: 2,
                first_row,
            };
            kept(noise, 0.5, 3, 10)
        };
        for i in 0..10 {
            assert_eq!(at(0)(6, i), at(4)(2, i));
        }
    }
}
