use crate::engine::Real;
use crate::engine::params::Ties;

/// The gradients that the elements get in place of their own, `grads`.
pub fn tied<T: Real>(ties: &Ties, grads: &[T]) -> Vec<T> {
    let half = T::of(0.5);
    let of = |(&own, &partner): (&T, &u32)| match partner {
        Ties::RESTS => T::ZERO,
        partner => (own + grads[partner as usize]) * half,
    };
    grads.iter().zip(ties.partners()).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Init, Layout, Role, Tape};
    use crate::optim::{Optimizer, OptimizerSettings, Shrink};

    #[test]
    fn a_pair_gets_its_mean_one_alone_its_own_and_one_at_rest_nothing() {
        let ties = Ties::new(vec![2, 1, 0, Ties::RESTS]);
        assert_eq!(tied(&ties, &[1.0, 5.0, 4.0, 7.0]), [2.5, 5.0, 2.5, 0.0]);
    }

    #[test]
    #[should_panic(expected = "element 0 is tied to 1")]
    fn a_partner_with_another_partner_is_a_mistake() {
        Ties::new(vec![1, 1]);
    }

    #[test]
    fn tied_elements_stay_equal_through_many_steps_and_those_at_rest_stay_zero() {
        let mut tape = Tape::<f32>::new(true);
        tape.declare("w", &[4], Init::Constant(0.0), Role::Weight, true);
        tape.tie("w", Ties::new(vec![1, 0, 2, Ties::RESTS]));
        let mut layout: Layout = tape.layout().clone();
        layout.params[0].used = true;
        let mut optimizer = Optimizer::new(OptimizerSettings::adamw(Shrink::None, Vec::new()), 4);
        let mut w = [0.3f32, 0.3, 0.3, 0.0];
        for step in 0..50u8 {
            let noise = f32::from(step) * 0.37;
            optimizer.step(&layout, 0.01, &mut w, &[noise.sin(), noise.cos(), 1.0, 2.0]);
        }
        assert_eq!(w[0].to_bits(), w[1].to_bits());
        assert!(w[0] != 0.3 && w[2] < 0.3 && w[3] == 0.0, "{w:?}");
        let ties = layout.params[0].ties.as_deref().unwrap();
        assert_eq!(ties.broken(&w), None);
        assert_eq!(ties.broken(&[0.3, 0.2, 0.0, 0.0]), Some(0));
        assert_eq!(ties.broken(&[0.3, 0.3, 0.0, 0.1]), Some(3));
    }
}
