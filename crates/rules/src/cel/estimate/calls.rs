//! Estimates of single calls, by function and overload.

use super::{Estimator, Node};
use crate::cel::{
    ast::{Expr, Kind},
    cost::CHEAP,
    sizes::Range,
    types::Type,
    value::Value,
};

const TRAVERSAL: f64 = 0.1;
const REGEX: f64 = 0.25;

/// A cost, and the size of the result where it is known.
type Estimate = (Range, Option<Range>);

impl<'e> Estimator<'e, '_> {
    pub(super) fn overload(
        &mut self,
        expr: &'e Expr,
        function: &str,
        overload: &str,
        target: Option<&Node<'e>>,
        args: &[Node<'e>],
        costs: &[Range],
    ) -> Estimate {
        let sum = costs.iter().fold(Range::ZERO, |sum, cost| sum.add(*cost));
        if let Some((cost, size)) = self.lists(overload, target, args) {
            return (cost.add(sum), size);
        }
        if let Some((cost, size)) = self.sets(overload, args) {
            return (cost.add(sum), size);
        }
        if let Some((cost, size)) = self.kubernetes(function, overload, target, args) {
            return (cost.add(sum), size);
        }
        if let Some(found) = self.standard(expr, overload, target, args, costs, sum) {
            return found;
        }
        (sum.add(Range::ONE), None)
    }

    fn sized_node(&mut self, node: &Node<'e>) -> Range {
        node.size
            .or_else(|| self.sized(&node.path))
            .unwrap_or(Range::UNKNOWN)
    }

    fn known(node: &Node<'e>) -> Range {
        node.size.unwrap_or(Range::UNKNOWN)
    }

    /// cel-go's lists: each makes a new list.
    fn lists(
        &mut self,
        overload: &str,
        target: Option<&Node<'e>>,
        args: &[Node<'e>],
    ) -> Option<Estimate> {
        let number = |arg: Option<&Node<'e>>, otherwise: u64| match arg.map(|arg| &arg.expr.kind) {
            Some(Kind::Const(Value::Int(value))) => u64::try_from(*value).unwrap_or(0),
            _ => otherwise,
        };
        let texts = |overload: &str| overload.contains("_string_") || overload.contains("_bytes_");
        let (factor, size) = match overload {
            "list_slice" => {
                let start = number(args.first(), 0);
                let end = number(args.get(1), self.sized_node(target?).max);
                (1, Range::fixed(end.wrapping_sub(start)))
            }
            "lists_range" => (1, Range::fixed(number(args.first(), u64::MAX))),
            "list_reverse" => (1, self.sized_node(target?)),
            "list_flatten" => (1, self.sized_node(target?)),
            "list_flatten_int" => (number(args.first(), u64::MAX), self.sized_node(target?)),
            "list_distinct" => {
                let size = self.sized_node(target?);
                (2, size.times(size))
            }
            sort if sort.ends_with("_sort") || sort.ends_with("_sortByAssociatedKeys") => {
                let keys = if sort.ends_with("_sort") {
                    target?
                } else {
                    args.first()?
                };
                let size = self.sized_node(keys);
                let size = size.times(size);
                let factor = if texts(sort) { 2.0 + TRAVERSAL } else { 2.0 };
                return Some((size.scaled(factor).add(Range::fixed(11)), Some(size)));
            }
            _ => return None,
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "as cel-go multiplies by a depth"
        )]
        let cost = size.scaled(factor as f64);
        Some((cost.add(Range::fixed(11)), Some(size)))
    }

    fn sets(&mut self, overload: &str, args: &[Node<'e>]) -> Option<Estimate> {
        let factor = match overload {
            "list_sets_contains_list" | "list_sets_intersects_list" => 1.0,
            "list_sets_equivalent_list" => 2.0,
            _ => return None,
        };
        let [a, b] = args else {
            return None;
        };
        let cost = self.sized_node(a).times(self.sized_node(b)).scaled(factor);
        Some((cost.add(Range::ONE), None))
    }

    fn kubernetes(
        &mut self,
        function: &str,
        overload: &str,
        target: Option<&Node<'e>>,
        args: &[Node<'e>],
    ) -> Option<Estimate> {
        let one = Some((Range::ONE, None));
        let first = args.first();
        match function {
            "check" => Some((Range::fixed(350_000), None)),
            cheap if CHEAP.contains(&cheap) => one,
            "fieldSelector" | "labelSelector" => {
                let size = self.sized_node(first?);
                let requirements = size.scaled(0.5).scaled(50.0);
                Some((
                    Range::fixed(10)
                        .add(size.scaled(TRAVERSAL))
                        .add(requirements),
                    None,
                ))
            }
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" | "includes" => {
                self.of_list(function, target?)
            }
            "url" if args.len() == 1 => {
                let size = self.sized_node(first?);
                Some((size.scaled(TRAVERSAL), Some(size)))
            }
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                let size = self.sized_node(target?);
                Some((size.scaled(TRAVERSAL), Some(size)))
            }
            "replace" if args.len() >= 2 => self.replace(target?, &args[0], &args[1]),
            "split" => self.split(target?, args),
            "join" => self.join(target?, first),
            "find" | "findAll" => {
                let size = self.sized_node(target?);
                let regex = self.sized_node(first?).scaled(REGEX);
                let cost = size.add(Range::ONE).scaled(TRAVERSAL).times(regex);
                Some((
                    cost,
                    Some(Range {
                        min: 0,
                        max: size.max,
                    }),
                ))
            }
            "ip" if overload == "cidr_ip" => one,
            "ip" | "cidr" | "isIP" | "isCIDR" | "quantity" | "isQuantity" | "semver"
            | "isSemver" => Some((self.sized_node(first?).scaled(TRAVERSAL), None)),
            "ip.isCanonical" => Some((self.sized_node(first?).scaled(2.0 * TRAVERSAL), None)),
            "containsIP" | "containsCIDR" => self.contains(function, overload, first?),
            "validate" => {
                let cost = self
                    .sized_node(first?)
                    .scaled(TRAVERSAL)
                    .scaled(128.0 * REGEX);
                Some((cost, None))
            }
            "_==_" => opaque_equality(args),
            _ => None,
        }
    }

    fn of_list(&mut self, function: &str, target: &Node<'e>) -> Option<Estimate> {
        let size = self.sized_node(target);
        let (Type::List(item) | Type::Map(item, _)) = &target.of else {
            let cost = if function == "includes" {
                size
            } else {
                size.scaled(TRAVERSAL)
            };
            return Some((cost, None));
        };
        let mut each = Range::ONE;
        if matches!(**item, Type::String | Type::Bytes) {
            each = each.add(self.item_size(target).scaled(TRAVERSAL));
        }
        Some((size.times(each), None))
    }

    /// The size of a list's items.
    fn item_size(&mut self, list: &Node<'e>) -> Range {
        if list.path.is_empty() {
            return Range::UNKNOWN;
        }
        let path = Self::longer(&list.path, "@items");
        self.sized(&path).unwrap_or(Range::UNKNOWN)
    }

    fn replace(&mut self, target: &Node<'e>, old: &Node<'e>, new: &Node<'e>) -> Option<Estimate> {
        let size = self.sized_node(target);
        let (old, new) = (self.sized_node(old), self.sized_node(new));
        let (mut count, mut kept) = (Range::ZERO, Range::ZERO);
        if old.min == 0 {
            count.max = size.max.saturating_add(1);
            kept.max = size.max;
        } else if new.max <= old.min {
            kept.max = size.max;
        } else {
            count.max = divided(size.max, old.min);
        }
        if old.max == 0 {
            count.min = size.min.saturating_add(1);
            kept.min = size.min;
        } else if old.max <= new.min {
            kept.min = size.min;
        } else {
            count.min = divided(size.min, old.max);
        }
        Some((
            size.scaled(2.0 * TRAVERSAL),
            Some(count.times(new).add(kept)),
        ))
    }

    fn split(&mut self, target: &Node<'e>, args: &[Node<'e>]) -> Option<Estimate> {
        let size = self.sized_node(target);
        let max = match args.get(1).map(|arg| &arg.expr.kind) {
            Some(Kind::Const(Value::Int(count))) => u64::try_from(*count).unwrap_or(u64::MAX),
            _ => size.max,
        };
        Some((size.scaled(2.0 * TRAVERSAL), Some(Range { min: 0, max })))
    }

    fn join(&mut self, target: &Node<'e>, separator: Option<&Node<'e>>) -> Option<Estimate> {
        let count = self.sized_node(target);
        let mut size = Range::ZERO;
        if matches!(target.of, Type::List(_)) {
            size = count.times(self.item_size(target));
        }
        if let Some(separator) = separator {
            let between = Range {
                min: count.min.saturating_sub(1),
                max: count.max.saturating_sub(1),
            };
            size = size.add(self.sized_node(separator).times(between));
        }
        Some((size.scaled(TRAVERSAL), Some(size)))
    }

    fn contains(&mut self, function: &str, overload: &str, arg: &Node<'e>) -> Option<Estimate> {
        let size = Range { min: 4, max: 16 };
        let mut cost = size.add(size).scaled(TRAVERSAL);
        if function == "containsCIDR" {
            cost = cost.add(size.scaled(TRAVERSAL)).add(Range::ONE);
        }
        if matches!(
            overload,
            "cidr_contains_ip_string" | "cidr_contains_cidr_string"
        ) {
            cost = cost.add(self.sized_node(arg).scaled(TRAVERSAL));
        }
        Some((cost, None))
    }

    fn standard(
        &mut self,
        expr: &'e Expr,
        overload: &str,
        target: Option<&Node<'e>>,
        args: &[Node<'e>],
        costs: &[Range],
        sum: Range,
    ) -> Option<Estimate> {
        let first = args.first().map_or(Range::UNKNOWN, Self::known);
        let second = args.get(1).map_or(Range::UNKNOWN, Self::known);
        match overload {
            "string_format" => Some((Self::known(target?).scaled(TRAVERSAL).add(sum), None)),
            "string_to_bytes" | "bytes_to_string" | "strings_quote" => Some((
                first.scaled(TRAVERSAL).add(sum),
                Some(converted(overload, first)),
            )),
            "starts_with_string" | "ends_with_string" => {
                Some((first.scaled(TRAVERSAL).add(sum), None))
            }
            "in_list" => Some((second.scaled(1.0).add(sum), None)),
            "matches" => Some((regex(first, second).add(sum), None)),
            "matches_string" => Some((regex(Self::known(target?), first).add(sum), None)),
            "contains_string" => {
                let cost = Self::known(target?)
                    .scaled(TRAVERSAL)
                    .times(first.scaled(TRAVERSAL));
                Some((cost.add(sum), None))
            }
            "logical_or" | "logical_and" => {
                let (left, right) = (*costs.first()?, *costs.get(1)?);
                let cost = Range {
                    min: left.min,
                    max: left.add(right).max,
                };
                Some((cost, None))
            }
            "conditional" => {
                let size = self.branches(expr, args.get(1)?, args.get(2)?);
                let dearer = costs.get(1)?.union(*costs.get(2)?);
                Some((costs.first()?.add(dearer), Some(size)))
            }
            "add_string" | "add_bytes" | "add_list" => {
                Some(self.sum(expr, overload, args, first.add(second), sum))
            }
            "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "equals"
            | "not_equals" => {
                let max = first.max.min(second.max);
                let size = Range {
                    min: u64::from(max > 0),
                    max,
                };
                Some((size.scaled(TRAVERSAL).add(sum), None))
            }
            _ => None,
        }
    }

    /// The size of what either branch gives.
    fn branches(&mut self, expr: &Expr, yes: &Node<'e>, no: &Node<'e>) -> Range {
        self.join_entries(expr, yes, no);
        Self::known(yes).union(Self::known(no))
    }

    /// The entries of either of two containers become those of a third.
    fn join_entries(&mut self, expr: &Expr, a: &Node<'e>, b: &Node<'e>) {
        let entries = match (self.entries_of(a.expr), self.entries_of(b.expr)) {
            (Some(a), Some(b)) => Some(a.union(b)),
            (a, b) => a.or(b),
        };
        if let Some(entries) = entries {
            self.entries.insert(expr.id, entries);
        }
    }

    fn sum(
        &mut self,
        expr: &'e Expr,
        overload: &str,
        args: &[Node<'e>],
        size: Range,
        sum: Range,
    ) -> Estimate {
        if let [a, b] = args {
            self.join_entries(expr, a, b);
        }
        let cost = if overload == "add_list" {
            Range::ONE
        } else {
            size.scaled(TRAVERSAL)
        };
        (cost.add(sum), Some(size))
    }
}

/// The size of text that was converted.
fn converted(overload: &str, size: Range) -> Range {
    match overload {
        "string_to_bytes" => Range {
            min: size.min,
            max: size.max.wrapping_mul(4),
        },
        "bytes_to_string" => Range {
            min: size.min / 4,
            max: size.max,
        },
        _ => Range {
            min: size.min.wrapping_add(2),
            max: size.max.wrapping_mul(2).wrapping_add(2),
        },
    }
}

fn regex(text: Range, pattern: Range) -> Range {
    text.add(Range::ONE)
        .scaled(TRAVERSAL)
        .times(pattern.scaled(REGEX))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as apiserver divides"
)]
fn divided(size: u64, by: u64) -> u64 {
    (size as f64 / by as f64).ceil() as u64
}

/// The equality of values of the libraries' types.
fn opaque_equality(args: &[Node<'_>]) -> Option<Estimate> {
    let [a, b] = args else {
        return None;
    };
    let (Type::Opaque(name, _), true) = (&a.of, a.of == b.of) else {
        return None;
    };
    match &**name {
        "kubernetes.NamedFormat" => Some((Range { min: 1, max: 64 }.scaled(TRAVERSAL), None)),
        "kubernetes.URL" => {
            let max = b.size.map_or(1, |size| size.max);
            Some((Range { min: 1, max }.scaled(TRAVERSAL), None))
        }
        "optional_type" => None,
        _ => Some((Range::ONE, None)),
    }
}
