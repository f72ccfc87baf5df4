// Seeded randomness for the generated objects: every value depends only on the
// seed, a stream name and an index, so two runs (and two goroutines) agree.
package objects

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// suffixAlphabet is what the API server draws generated names from.
const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789"

// baseTime is the newest creation time any generated object has.
var baseTime = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

type random struct{ *rand.Rand }

func newRandom(seed uint64, stream string, index int) random {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", stream, index)
	return random{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

func (r random) bytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func (r random) hex(n int) string { return hex.EncodeToString(r.bytes(n)) }

func (r random) suffix(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = suffixAlphabet[r.IntN(len(suffixAlphabet))]
	}
	return string(out)
}

func (r random) uid() string {
	b := r.bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (r random) podIP() string {
	return fmt.Sprintf("10.%d.%d.%d", 64+r.IntN(64), r.IntN(256), 2+r.IntN(252))
}

// before returns a whole second up to `span` before `t`.
func (r random) before(t time.Time, span time.Duration) time.Time {
	return t.Add(-time.Duration(r.Int64N(int64(span/time.Second))) * time.Second)
}

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r random, from []T) T { return from[r.IntN(len(from))] }
