package evaluation

import "testing"

// A rival is shown at its best: with its fastest setup that keeps the budget and whose net is available.
func TestTheBestSetupIsShown(t *testing.T) {
	table := synthetic(4, 2, 4, 0, 1)
	r := rivalNamed(cascade)
	with := func(small string, speed float64, fits bool) Setup {
		return Setup{Rival: cascade, Small: small, Settings: r.start, Speedup: speed, Fits: fits}
	}
	for name, c := range map[string]struct {
		setups []Setup
		want   string
	}{
		"fastest":       {[]Setup{with("small", 2, true), with("tiny", 3, true)}, "tiny"},
		"in any order":  {[]Setup{with("tiny", 3, true), with("small", 2, true)}, "tiny"},
		"budget first":  {[]Setup{with("small", 2, true), with("tiny", 3, false)}, "small"},
		"net available": {[]Setup{with("gone", 9, true), with("small", 2, true), with("gone too", 9, true)}, "small"},
		"of this rival": {[]Setup{{Rival: smallFull, Small: "tiny", Speedup: 9, Fits: true}, with("small", 2, true)}, "small"},
	} {
		if got := table.setup(r, c.setups); got.Small != c.want || got.Missing != "" {
			t.Errorf("%s: %q, %s", name, got.Small, got.Missing)
		}
	}
	if got := table.setup(r, []Setup{with("gone", 2, true)}); got.Missing == "" {
		t.Errorf("a setup without its net: %+v", got)
	}
}
