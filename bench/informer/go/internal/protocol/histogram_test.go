// Tests that quantiles are close to exact ones over the whole range of values.
package protocol

import "testing"

func TestQuantilesAreClose(t *testing.T) {
	for _, scale := range []uint64{1, 100, 1e6, 1e11} {
		h := &histogram{}
		for i := uint64(1); i <= 1000; i++ {
			h.record(i * scale)
		}
		for q, want := range map[float64]uint64{0.50: 500 * scale, 0.99: 990 * scale} {
			if got := h.quantile(q); got < want || float64(got) > float64(want)*1.01 {
				t.Errorf("scale %d: quantile %v is %d, want about %d", scale, q, got, want)
			}
		}
		if h.max != 1000*scale {
			t.Errorf("max is %d", h.max)
		}
	}
}

func TestBucketsAreContiguous(t *testing.T) {
	for bucket := range 40 * steps {
		if bucketOf(upper(bucket)) != bucket || bucketOf(upper(bucket)+1) != bucket+1 {
			t.Fatalf("bucket %d does not end where the next begins", bucket)
		}
	}
}
