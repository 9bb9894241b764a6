use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    [(1, 1, 1usize), (3, 4, 8), (2, 3, 31)]
        .into_iter()
        .map(|(rows, channels, length)| {
            let table = Input::shared(&[length.div_ceil(2), 1]);
            op_case!(
                "position",
                format!("{rows} x {channels} x {length}"),
                rows,
                [Input::rows(&[channels, length]), table],
                |tape, v| { super::position(tape, v[0], v[1], super::mirrored(length)) }
            )
            .reference(move |x, _, _| {
                let from_the_end = |l: usize| l.min(length - 1 - l);
                (0..x[0].len())
                    .map(|i| x[0][i] + x[1][from_the_end(i % length)])
                    .collect()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn mirrored_goes_up_and_down() {
        assert_eq!(*super::super::mirrored(6), [0, 1, 2, 2, 1, 0]);
        assert_eq!(*super::super::mirrored(5), [0, 1, 2, 1, 0]);
    }
}
