//! How much of a quota a node takes at once, so that it need not ask for each request, and the others are left their part.

/// What a node needs of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// What the request in hand costs: less is of no use.
    pub least: u64,
    /// What the node is likely to spend before its lease ends: more would only be lost if it crashed.
    pub most: u64,
}

/// The units of the next block out of a rest; 0: nothing that is of use is left.
///
/// Each of `nodes` live nodes takes half of its part of what is left, so blocks halve as the rest shrinks, down to what one
/// request costs. A block is never larger than the rest.
pub fn block(rest: u64, nodes: usize, wanted: Wanted) -> u64 {
    let least = wanted.least.max(1);
    if rest < least {
        return 0;
    }
    let part = rest / (nodes.max(1) as u64).saturating_mul(2);
    part.min(wanted.most).max(least)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_halve_as_the_rest_shrinks() {
        let mut rest = 100;
        let mut blocks = Vec::new();
        while rest > 0 {
            let block = block(rest, 1, Wanted { least: 1, most: u64::MAX });
            blocks.push(block);
            rest -= block;
        }
        assert_eq!(blocks, [50, 25, 12, 6, 3, 2, 1, 1]);
    }

    #[test]
    fn each_node_takes_half_of_its_part_and_no_more_than_it_needs() {
        for (rest, nodes, least, most, expected) in [
            (600, 3, 1, u64::MAX, 100),
            (600, 3, 1, 20, 20),
            (600, 0, 1, u64::MAX, 300),
            (600, 3, 150, 20, 150),
            (5, 3, 1, u64::MAX, 1),
            (5, 3, 0, 0, 1),
            (4, 3, 5, 5, 0),
            (0, 3, 1, 5, 0),
            (u64::MAX, usize::MAX, 1, u64::MAX, 1),
        ] {
            assert_eq!(block(rest, nodes, Wanted { least, most }), expected, "{rest} {nodes} {least} {most}");
        }
    }

    proptest! {
        #[test]
        fn a_block_is_of_use_and_never_larger_than_the_rest(
            rest in any::<u64>(), nodes in any::<usize>(), least in any::<u64>(), most in any::<u64>(),
        ) {
            let block = block(rest, nodes, Wanted { least, most });
            prop_assert!(block <= rest);
            prop_assert!(block == 0 || block >= least);
            prop_assert_eq!(block == 0, rest < least.max(1));
        }
    }
}
