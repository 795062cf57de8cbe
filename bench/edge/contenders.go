package main

import (
	"fmt"
	"time"

	"github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/policy"
)

// contender is one way to answer a device's frames.
type contender struct {
	Name     string
	nets     string            // "": no small net; small, raw (uncalibrated) or paper
	settings policy.Settings   // of the small net's hit test
	straight offload.Action    // without a small net: Ask (server only) or Here (device only)
	miss     offload.Action    // what follows a miss, without a controller
	form     int               // of what is sent to the server
	download bool              // specialists are downloaded over the link
	control  string            // rule or bandit: chooses in place of miss and straight
	here     bool              // the device holds the full model too
	code     int               // bytes of the upload, whatever its form; 0: those of the form
	skip     bool              // the controller may skip the small net
	deadline time.Duration     // of provisional answers; 0: none
	fusion   *offload.Fusion   // nil: late answers replace what was there
	single   bool              // answers have one class, as those of an old server
	untaught bool              // the window learns only the class of an answer
	kinds    []evaluation.Kind // of streams; nil: streamKinds
	always   bool              // every frame is sent at once, while the small net runs
	forms    []int             // that a controller may use
	examples *[]offload.Example
}

// Names of contenders that figures refer to.
const (
	deviceSmall = "device only, small net"
	deviceFull  = "device only, full model"
	serverOnly  = "server only"
	cascade     = "cascade"
	rawCascade  = "cascade, uncalibrated"
	paperWay    = "paper's protocol"
	oursFixed   = "window, late answers"
	oursFused   = "ours, rule, late answers fused"
	oursRule    = "ours, rule"
	oursOne     = "ours, rule, taught one class of an answer"
	oursHere    = "ours, rule, full on device"
	oursSkip    = "ours, rule, full on device, may skip the small net"
	oursCode    = "ours, rule, a code of 256 bytes that costs nothing"
	oursBandit  = "ours, bandit, full on device"
	provisional = "ours, provisional"
	allFused    = "every frame up, fused"
	oneFused    = "every frame up, answers with one class fused"
	fixedAsIs   = "fixed: window, ask as it is"
	fixedHere   = "fixed: window, full on device"
)

// fixedSettings are the settings that a controller chooses among; some are contenders themselves.
var fixedSettings = []string{deviceFull, serverOnly, oursFixed, fixedAsIs, fixedHere}

// holders are the contenders whose device holds the full model.
var holders = []string{deviceFull, oursHere, oursSkip, oursBandit, fixedHere}

// codeBytes is the size of the simulated feature code.
const codeBytes = 256

// fixedOnServer are those of a device that does not hold the full model.
var fixedOnServer = []string{serverOnly, oursFixed, fixedAsIs}

func contenders(p plan) []contender {
	always := p.plain
	always.Threshold = 0
	ours := contender{nets: "small", settings: p.window, forms: p.forms, form: p.smallest, miss: offload.Ask}
	with := func(name string, edit func(*contender)) contender {
		k := ours
		k.Name = name
		edit(&k)
		return k
	}
	return []contender{
		{Name: deviceSmall, nets: "small", settings: always},
		{Name: deviceFull, straight: offload.Here},
		{Name: serverOnly, straight: offload.Ask},
		{Name: cascade, nets: "small", settings: p.plain, miss: offload.Ask},
		{Name: rawCascade, nets: "raw", settings: p.plain, miss: offload.Ask},
		{Name: paperWay, nets: "paper", settings: p.paper, miss: offload.Ask, download: true},
		with(oursFixed, func(*contender) {}),
		with(oursFused, func(k *contender) { k.control, k.fusion = "rule", &p.missed }),
		with(oursRule, func(k *contender) { k.control = "rule" }),
		with(oursOne, func(k *contender) { k.control, k.untaught = "rule", true }),
		with(oursHere, func(k *contender) { k.control, k.here = "rule", true }),
		with(oursSkip, func(k *contender) { k.control, k.here, k.skip = "rule", true, true }),
		with(oursCode, func(k *contender) { k.control, k.code = "rule", codeBytes }),
		with(oursBandit, func(k *contender) { k.control, k.here, k.skip = "bandit", true, true }),
		with(provisional, func(k *contender) { k.control, k.deadline = "rule", time.Nanosecond }),
		with(allFused, func(k *contender) { k.always, k.fusion, k.form = true, &p.all, 0 }),
		with(oneFused, func(k *contender) { k.always, k.fusion, k.form, k.single = true, &p.all, 0, true }),
		with(fixedAsIs, func(k *contender) { k.form = 0 }),
		with(fixedHere, func(k *contender) { k.miss = offload.Here }),
	}
}

// conditions lists the links: the grid of the headline figures, then others.
func conditions(length time.Duration) []condition {
	var all []condition
	for _, rtt := range []int{5, 50, 300, 1000} {
		for _, rate := range []float64{1, 5, 20, 100} {
			all = append(all, condition{Name: fmt.Sprintf("%g Mbit/s, %d ms", rate, rtt), headline: rtt < 1000,
				phases: []phase{{shape: link.Shape{Rate: rate * 1e6, RTT: time.Duration(rtt) * time.Millisecond}}}})
		}
	}
	ms := time.Millisecond
	fast, slow := link.Shape{Rate: 100e6, RTT: 5 * ms}, link.Shape{Rate: 1e6, RTT: 300 * ms}
	lossy := link.Shape{Rate: 20e6, RTT: 50 * ms, Loss: 0.01}
	cut := tuning()
	cut.Name, cut.cut = "20 Mbit/s, 50 ms, cut for 20 s", [2]time.Duration{length / 3, length/3 + 20*time.Second}
	return append(all,
		condition{Name: "LTE-like trace, 50 ms", phases: []phase{{shape: link.Shape{Trace: link.LTE(1), RTT: 50 * ms}}}},
		condition{Name: "20 Mbit/s, 50 ms, 1 % lost", phases: []phase{{shape: lossy}}},
		condition{Name: "switches between 100 Mbit/s, 5 ms and 1 Mbit/s, 300 ms", phases: []phase{{shape: fast}, {length / 4, slow}, {length / 2, fast}, {3 * length / 4, slow}}},
		cut)
}
