// Addresses come in order, once each, and come back late.
package kubelet

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesComeBackLate(t *testing.T) {
	bridge := netip.MustParseAddr("10.1.2.1")
	n := &network{prefix: netip.MustParsePrefix("10.1.2.0/29"), bridge: bridge, last: bridge, used: map[netip.Addr]bool{bridge: true}}
	var got []string
	step := func(word string) {
		switch {
		case word == "take":
			address, _, err := n.take()
			if err != nil {
				got = append(got, "none")
				return
			}
			got = append(got, address.String())
		default:
			n.free(netip.MustParseAddr(word))
		}
	}
	for _, word := range strings.Fields("take take 10.1.2.2 take take take 10.1.2.3 take take take") {
		step(word)
	}
	const expect = "10.1.2.2 10.1.2.3 10.1.2.4 10.1.2.5 10.1.2.6 10.1.2.2 10.1.2.3 none"
	if strings.Join(got, " ") != expect {
		t.Errorf("got %s, expected %s", strings.Join(got, " "), expect)
	}
}
