package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

func TestWhyAJobEnded(t *testing.T) {
	broken, away := errors.New("broken"), fmt.Errorf("asked: %w", kafkaio.ErrUnavailable)
	commit, disk := errors.Join(away), errors.Join(errors.New("disk full"), away)
	cut := fmt.Errorf("asked: %w", context.Canceled)
	for _, c := range []struct {
		err, closing, cause error
		want                reason
	}{
		{nil, nil, nil, reasonDone},
		{broken, nil, nil, reasonFailed},
		{errLost, nil, nil, reasonLost},
		{away, nil, nil, reasonUnavailable},

		{nil, nil, context.Canceled, reasonStopped},
		{nil, nil, errors.New("a signal"), reasonStopped},
		{cut, nil, context.Canceled, reasonStopped},
		{errLost, nil, context.Canceled, reasonFailed}, // frames that were read have no row
		{broken, nil, context.Canceled, reasonFailed},
		{nil, nil, reasonStopped, reasonStopped},

		{nil, nil, reasonGrown, reasonGrown},
		{nil, nil, reasonRenewed, reasonRenewed},
		{errLost, nil, reasonGrown, reasonLost},
		{errLost, nil, reasonRenewed, reasonLost},
		{broken, nil, reasonGrown, reasonFailed},

		{nil, nil, reasonReassigned, reasonReassigned},
		{errLost, nil, reasonReassigned, reasonReassigned},
		{away, nil, reasonReassigned, reasonReassigned},
		{cut, nil, reasonReassigned, reasonReassigned},
		{broken, nil, reasonReassigned, reasonFailed},

		// a failed last commit of offsets is repeated by the next job, if any; unwritten rows are an error
		{nil, commit, nil, reasonFailed},
		{nil, commit, context.Canceled, reasonFailed},
		{nil, commit, reasonGrown, reasonGrown},
		{errLost, commit, nil, reasonLost},
		{nil, disk, reasonGrown, reasonFailed},
		{errLost, disk, nil, reasonFailed},
		{nil, broken, reasonReassigned, reasonFailed},
	} {
		if got := why(c.err, c.closing, c.cause); got != c.want {
			t.Errorf("why(%v, %v, %v) is %q, want %q", c.err, c.closing, c.cause, string(got), string(c.want))
		}
	}
}

// The table in ARCHITECTURE.md is the one in the code.
func TestTheTableIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for r, s := range steps {
		row := fmt.Sprintf("| `%s` | %s | %s |", string(r), s.when, s.next)
		if !strings.Contains(string(text), row+"\n") {
			t.Errorf("ARCHITECTURE.md lacks the row\n%s", row)
		}
	}
	if want := fmt.Sprintf("%d times in a row", lostInARow); !strings.Contains(steps[reasonLost].when, want) {
		t.Errorf("the table lacks %q", want)
	}
}
