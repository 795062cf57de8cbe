package pipelines

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/transforms"
)

func TestTheAuditsSecretStaysWithTheDataSet(t *testing.T) {
	o := Options{Out: t.TempDir(), AuditRate: 0.1}
	first, err := o.secret()
	if err != nil || len(first) != 64 {
		t.Fatal(len(first), err)
	}
	if again, err := o.secret(); err != nil || again != first {
		t.Error("another secret at a restart", err)
	}
	if other, err := (Options{Out: t.TempDir(), AuditRate: 0.1}).secret(); err != nil || other == first {
		t.Error("two data sets share a secret", err)
	}
	for _, text := range []string{fmt.Sprint(first), fmt.Sprintf("%+v %#v", first, first)} {
		if strings.Contains(text, string(first)[:8]) {
			t.Error("the secret is printed")
		}
	}
	if err := os.WriteFile(parquetio.PrivatePath(o.Out, secretFile), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.secret(); err == nil || !strings.Contains(err.Error(), "damaged: remove") {
		t.Error(err)
	}
}

func TestTheAuditsSecretOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	o := Options{AuditRate: 0.1, AuditSecretFile: file}
	if _, err := o.secret(); err == nil {
		t.Error("no error without the file")
	}
	for content, want := range map[string]string{"sixteen bytes or more\n": "7369787465656e206279746573206f72206d6f7265", "short\n": ""} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := o.secret(); string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", content, string(got), err)
		}
	}
	if s, err := (Options{AuditSecretFile: file}).secret(); s != "" || err != nil {
		t.Error("a secret without audits", err)
	}
}

func TestTrustOptions(t *testing.T) {
	inline := policy.Settings{Teacher: policy.Inline}
	for name, c := range map[string]struct {
		o    Options
		s    policy.Settings
		want policy.Settings
		err  string
	}{
		"audits":                  {Options{AuditRate: 0.5}, inline, policy.Settings{Teacher: policy.Inline, AuditRate: 0.5}, ""},
		"a limit":                 {Options{AuditRate: 0.5, MaxFalseHits: 0.25}, inline, policy.Settings{Teacher: policy.Inline, AuditRate: 0.5, MaxFalseHits: 0.25}, ""},
		"the pack's limit":        {Options{AuditRate: 0.5}, policy.Settings{Teacher: policy.Inline, MaxFalseHits: 0.125}, policy.Settings{Teacher: policy.Inline, AuditRate: 0.5, MaxFalseHits: 0.125}, ""},
		"the pack's, no audits":   {Options{}, policy.Settings{Teacher: policy.Inline, MaxFalseHits: 0.125}, policy.Settings{}, "set --audit-rate above 0"},
		"a limit without audits":  {Options{MaxFalseHits: 0.1}, inline, policy.Settings{}, "set --audit-rate above 0"},
		"a limit for the routed":  {Options{AuditRate: 0.5, MaxFalseHits: 0.1}, policy.Settings{Teacher: policy.Selector}, policy.Settings{}, "needs --full inline"},
		"the pack's, when routed": {Options{AuditRate: 0.5}, policy.Settings{Teacher: policy.Selector, MaxFalseHits: 0.1}, policy.Settings{Teacher: policy.Selector, AuditRate: 0.5}, ""},
		"the small net alone":     {Options{AuditRate: 0.5, Policy: PolicySmall}, policy.Settings{Teacher: policy.Inline, MaxFalseHits: 0.1}, inline, ""},
	} {
		s := c.s
		err := c.o.trust(&s)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)), c.err == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.err == "" && s != c.want:
			t.Errorf("%s: %+v, want %+v", name, s, c.want)
		}
	}
	for _, o := range []Options{{AuditRate: -1}, {AuditRate: 1.5}, {MaxFalseHits: 0.5}, {MaxFalseHits: -0.1}, {MaxFalseHits: 0.1, Policy: PolicyFull}} {
		o.Topic = "frames"
		if err := o.Contradiction(); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

// What streams have learned is kept when other hits are audited or answers are repeated, and not under another threshold.
func TestTheSnapshotOutlivesWhatIsAudited(t *testing.T) {
	p := &models.Pack{}
	name := func(edit func(*policy.Settings)) string {
		m := transforms.Model{Policy: policy.Settings{Kind: policy.Window, Threshold: 0.9, AuditRate: 0.01}}
		edit(&m.Policy)
		s, err := netsOf(p, m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	was := name(func(*policy.Settings) {})
	if got := name(func(s *policy.Settings) { s.AuditRate, s.Similar, s.SimilarMs = 0.1, 5, 1000 }); got != was {
		t.Errorf("%s, want %s", got, was)
	}
	if name(func(s *policy.Settings) { s.Threshold = 0.8 }) == was {
		t.Error("another threshold is the same policy")
	}
	p.Policy = policy.Settings{Kind: policy.Window, Threshold: 0.9}
	p.Audited = &policy.Settings{Kind: policy.Window, Threshold: 0.8, Alpha: 0.1}
	if got := name(func(s *policy.Settings) { s.Threshold, s.Alpha = 0.8, 0.1 }); got != was {
		t.Errorf("with the settings for audits: %s, want %s", got, was)
	}
}

func TestSkipSimilarNeedsAnswersThatComeBack(t *testing.T) {
	s := policy.Settings{Kind: policy.Full, Teacher: policy.Selector}
	if err := (Options{SkipSimilar: true}).similar(&s); err == nil {
		t.Error("the full model's answers do not come back to the stream, and that is accepted")
	}
	s.Teacher = policy.Inline
	if err := (Options{SkipSimilar: true}).similar(&s); err != nil || s.Similar != DefaultSimilarFrames || s.SimilarMs != 2000 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := (Options{}).similar(&s); err != nil || s.Similar != DefaultSimilarFrames {
		t.Errorf("%+v, %v", s, err)
	}
}
