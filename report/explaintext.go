package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/cachenet/cachenet/schemas"
)

// WriteText writes the explanation for a reader at a terminal.
func (e Explanation) WriteText(w io.Writer) error {
	var out strings.Builder
	e = e.printable()
	r := e.Row
	line := func(name, text string) { fmt.Fprintf(&out, "%-12s%s\n", name, text) }
	line("frame", fmt.Sprintf("%s, %s/%d, offset %d, recorded %s", cmp.Or(r.Stream, NoKey), r.Topic, r.Partition, r.Offset, r.EventTime.UTC().Format("2006-01-02 15:04:05.000")))
	line("decision", e.decision())
	if r.Truth != "" && r.Outcome != schemas.Error {
		line("truth", r.Truth+map[bool]string{true: ", so the answer is right", false: ", so the answer is wrong"}[r.Truth == r.Label])
	}
	if r.Audited && r.AuditLabel != "" {
		line("audit", "the full model says "+r.AuditLabel)
	}
	if r.Outcome != schemas.Error {
		line("active net", e.active())
		line("window", e.window())
	}
	line("otherwise", e.otherwise())
	e.writeBefore(&out)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the explanation: %w", err)
	}
	return nil
}

// printable returns the explanation with texts that come from producers and packs as a terminal may show them.
func (e Explanation) printable() Explanation {
	row := func(o *schemas.Outcome) *schemas.Outcome {
		if o == nil {
			return nil
		}
		p := *o
		for _, text := range []*string{&p.Label, &p.SmallLabel, &p.Truth, &p.AuditLabel, &p.Error} {
			*text = escaped(*text)
		}
		return &p
	}
	e.Row, e.Change, e.Taught = *row(&e.Row), row(e.Change), row(e.Taught)
	e.Before = slices.Clone(e.Before)
	for i := range e.Before {
		e.Before[i] = *row(&e.Before[i])
	}
	return e
}

// escaped writes control characters as Go and JSON do.
func escaped(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// decision says what became of the frame, and by which test.
func (e Explanation) decision() string {
	r := e.Row
	switch r.Outcome {
	case schemas.Hit:
		return fmt.Sprintf("hit: %s answered %s, %s", r.Model, r.Label, e.score())
	case schemas.Miss:
		return fmt.Sprintf("miss: the full model answered %s with confidence %.3f; %s", r.Label, r.Confidence, e.held())
	case schemas.Same:
		return fmt.Sprintf("same: nearly equal to the last answered frame of its stream; it takes the answer %s of %s, and no net was asked", r.Label, r.Model)
	}
	return fmt.Sprintf("error in stage %s: %s", r.Stage, r.Error)
}

// held says what the small net said about a miss, and why that did not stand.
func (e Explanation) held() string {
	r := e.Row
	said := r.SmallLabel
	if said == "" {
		said = "none of its classes"
	}
	confidence := fmt.Sprintf("the small net said %s with confidence %.3f", said, r.SmallConfidence)
	switch {
	case r.SpecialistUs == 0:
		return "no small net was asked" + e.bypassed()
	case r.SmallConfidence == 0: // rows of an older version
		return fmt.Sprintf("no specialist passed the threshold of %.3g", r.Threshold)
	case e.smallPassed():
		return fmt.Sprintf("%s, which passes the threshold of %.3g, but %s", confidence, r.Threshold, e.withheld())
	case e.Test == TestEntropy:
		return fmt.Sprintf("%s and entropy %.3f, which is above the threshold of %.3g", confidence, r.SmallEntropy, r.Threshold)
	case r.SmallLabel == "":
		return confidence
	}
	return fmt.Sprintf("%s, which is below the threshold of %.3g", confidence, r.Threshold)
}

// smallPassed reports whether the small net's answer would have been a hit by the threshold alone.
func (e Explanation) smallPassed() bool {
	r := e.Row
	switch {
	case r.SmallConfidence == 0 || r.SmallLabel == "":
		return false
	case e.Test == TestEntropy:
		return r.SmallEntropy <= r.Threshold
	}
	return r.SmallConfidence >= r.Threshold
}

// withheld says why an answer that passed the threshold did not stand.
func (e Explanation) withheld() string {
	if e.Row.CacheEvent == schemas.TrustChanged {
		return "the picture differs much from the last one that the full model saw of this class"
	}
	if e.Bypass != nil {
		return fmt.Sprintf("the full model answers this stream since offset %d (%s), and the small net was asked for comparison", e.Bypass.Offset, e.Bypass.CacheEvent)
	}
	return "the rare-class guard asked the full model, or the class was new to the stream and had to be confirmed"
}

func (e Explanation) bypassed() string {
	if e.Bypass == nil {
		return ""
	}
	return fmt.Sprintf(": the full model answers this stream since offset %d (%s)", e.Bypass.Offset, e.Bypass.CacheEvent)
}

// score holds a hit's score against its threshold.
func (e Explanation) score() string {
	r := e.Row
	if e.Test == TestEntropy {
		return fmt.Sprintf("entropy %.3f is at most the threshold of %.3g", r.Entropy, r.Threshold)
	}
	return fmt.Sprintf("confidence %.3f is at least the threshold of %.3g", r.Confidence, r.Threshold)
}

// active says why the net was asked that was asked.
func (e Explanation) active() string {
	if len(e.Nets) <= 1 && e.Change == nil {
		return "the only small net that answers this stream; there was nothing to choose"
	}
	if e.Change == nil {
		return "the one that the stream began with, or had when an earlier run ended; no row before this one changed it"
	}
	c := e.Change
	if c.Outcome == schemas.Hit {
		return fmt.Sprintf("%s is active since offset %d (%s): the previous one was not confident there, and this one, also cached by the stream, was", c.Model, c.Offset, c.CacheEvent)
	}
	return fmt.Sprintf("changed at offset %d (%s): there the full model answered %s, and the specialist that covers the stream's window best became active", c.Offset, c.CacheEvent, c.Label)
}

// window says what the stream had seen.
func (e Explanation) window() string {
	text := fmt.Sprintf("recent hit rate %.2f; %d hits and %d misses before it", e.Row.HitRateWindow, e.Hits, e.Misses)
	if e.Taught != nil {
		text += fmt.Sprintf("; the last miss taught it %s (offset %d)", e.Taught.Label, e.Taught.Offset)
	}
	return text
}

// otherwise says what would have changed the decision, as far as the row knows.
func (e Explanation) otherwise() string {
	r := e.Row
	switch {
	case r.Outcome == schemas.Hit && e.Test == TestEntropy:
		return fmt.Sprintf("a threshold below %.3f would have made it a miss", r.Entropy)
	case r.Outcome == schemas.Hit:
		return fmt.Sprintf("a threshold above %.3f would have made it a miss", r.Confidence)
	case r.Outcome == schemas.Miss && r.SpecialistUs == 0:
		if e.Bypass != nil {
			return "small answers on this stream that audits confirm: until then the full model answers (docs/trust.md)"
		}
		return "a policy that asks a small net: none was asked about this frame (--policy full)"
	case r.Outcome == schemas.Miss:
		return e.otherwiseHit()
	case r.Outcome == schemas.Same:
		return "a picture that differs more, or a run without --skip-similar"
	case r.Stage == schemas.StageRead:
		return "a record that is a frame: see what a frame may look like in docs/delivery.md"
	case r.Stage == schemas.StageDecode:
		return "a whole image of a supported kind (JPEG, PNG, raw pixels)"
	}
	return "a net that answers: the error says what was wrong with it"
}

// otherwiseHit says what would have made a miss a hit.
func (e Explanation) otherwiseHit() string {
	r := e.Row
	switch {
	case r.SmallConfidence == 0 && e.Test == TestEntropy:
		return "a higher threshold may have made it a hit; this row is of a version that did not keep how unsure the small net was"
	case r.SmallConfidence == 0:
		return "a lower threshold may have made it a hit; this row is of a version that did not keep how sure the small net was"
	case r.SmallLabel == "":
		return "a small net that knows this class: no threshold makes a hit of an answer that is none of its classes"
	case e.smallPassed() && e.Bypass != nil:
		return "small answers on this stream that audits confirm: until then the full model answers (docs/trust.md)"
	case r.CacheEvent == schemas.TrustChanged:
		return "a picture like the last one that the full model saw of this class, or a run without audits (docs/trust.md)"
	case e.smallPassed():
		return "a run without --guard"
	case e.Test == TestEntropy:
		return fmt.Sprintf("a threshold of at least %.3f would have made it a hit, answered %s", r.SmallEntropy, r.SmallLabel)
	}
	return fmt.Sprintf("a threshold of at most %.3f would have made it a hit, answered %s", r.SmallConfidence, r.SmallLabel)
}

func (e Explanation) writeBefore(out *strings.Builder) {
	switch {
	case len(e.Before) == 0 && e.earlier: // none was to be shown
		return
	case len(e.Before) == 0:
		fmt.Fprintln(out, "\nno rows of this stream come before it")
		return
	}
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "offset\toutcome\tlabel\tconfidence\tnet\tevent\thit rate")
	for _, r := range append(e.Before, e.Row) {
		fmt.Fprintf(t, "%d\t%s\t%s\t%.3f\t%s\t%s\t%.2f\n", r.Offset, r.Outcome, r.Label, r.Confidence, r.Model, r.CacheEvent, r.HitRateWindow)
	}
	_ = t.Flush() // into memory
}
