// A log-linear histogram of lags: 128 steps per power of two, so a quantile is
// at most 0.8 % off, in a fixed 64 KB that does not disturb a memory benchmark.
package protocol

import "math/bits"

const (
	stepBits = 7
	steps    = 1 << stepBits
)

type histogram struct {
	counts [(64 - stepBits + 1) * steps]uint32
	n      uint64
	max    uint64
}

func bucketOf(value uint64) int {
	if value < steps {
		return int(value)
	}
	shift := bits.Len64(value) - stepBits - 1
	return shift*steps + int(value>>shift)
}

// upper is the largest value of a bucket.
func upper(bucket int) uint64 {
	if bucket < 2*steps {
		return uint64(bucket)
	}
	shift := bucket/steps - 1
	return uint64(bucket-shift*steps+1)<<shift - 1
}

func (h *histogram) record(value uint64) {
	h.counts[bucketOf(value)]++
	h.n++
	h.max = max(h.max, value)
}

func (h *histogram) quantile(q float64) uint64 {
	wanted := max(1, uint64(q*float64(h.n)+0.5))
	seen := uint64(0)
	for bucket, count := range h.counts {
		if seen += uint64(count); seen >= wanted {
			return min(upper(bucket), h.max)
		}
	}
	return h.max
}
