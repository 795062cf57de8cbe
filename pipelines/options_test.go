package pipelines

import (
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// A run's nets and settings follow from the pack and the options.
func TestModelFromOptions(t *testing.T) {
	own := policy.Settings{Kind: policy.Window, Threshold: 0.6, Teacher: policy.Inline}
	routed := policy.Settings{Kind: policy.Window, Threshold: 0.8, Teacher: policy.Selector}
	guarded := own
	guarded.Guard = 0.05
	pack := &models.Pack{Manifest: models.Manifest{Name: "p", Version: "1", Policy: own, Routed: &routed, Guarded: &guarded}}
	bare := &models.Pack{Manifest: models.Manifest{Name: "p", Version: "1", Policy: own}}
	bareRouted := own
	bareRouted.Teacher = policy.Selector
	for name, c := range map[string]struct {
		pack    *models.Pack
		options Options
		want    policy.Settings
		err     string
	}{
		"the pack's own":              {pack, Options{}, own, ""},
		"inline":                      {pack, Options{Full: FullInline}, own, ""},
		"transform, calibrated":       {pack, Options{Full: FullTransform}, routed, ""},
		"transform, not calibrated":   {bare, Options{Full: FullTransform}, bareRouted, ""},
		"guard":                       {pack, Options{Guard: true}, guarded, ""},
		"guard of a pack without one": {bare, Options{Guard: true}, own, "--guard"},
	} {
		m, err := c.options.model(c.pack)
		switch {
		case c.err == "" && (err != nil || m.Policy != c.want):
			t.Errorf("%s: %+v, %v; want %+v", name, m.Policy, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Settings for audits apply in a run that audits under the pack's own policy, and give way to what the user names.
func TestTheSettingsOfAuditedRuns(t *testing.T) {
	own := policy.Settings{Kind: policy.Window, Score: policy.Confidence, Threshold: 0.8, Teacher: policy.Inline, Alpha: 0.5, Capacity: 1}
	audited, guarded, paper := own, own, own
	audited.Threshold, guarded.Guard = 0.6, 0.05
	paper.Kind, paper.Threshold = policy.Paper, 0.3
	pack := &models.Pack{Manifest: models.Manifest{Name: "p", Version: "1", Policy: own, Audited: &audited, Guarded: &guarded, Paper: &paper,
		Selector: &models.NetEntry{}, Specialists: []models.NetEntry{{}}}}
	for name, c := range map[string]struct {
		options Options
		want    float32
	}{
		"audits":             {Options{AuditRate: DefaultAuditRate}, 0.6},
		"inline":             {Options{AuditRate: DefaultAuditRate, Full: FullInline}, 0.6},
		"a limit":            {Options{AuditRate: 0.05, MaxFalseHits: 0.02}, 0.8},
		"more audits":        {Options{AuditRate: 0.05}, 0.6},
		"repeated answers":   {Options{AuditRate: DefaultAuditRate, SkipSimilar: true}, 0.6},
		"no audits":          {Options{}, 0.8},
		"rare audits":        {Options{AuditRate: 0.001}, 0.8},
		"transform":          {Options{AuditRate: DefaultAuditRate, Full: FullTransform}, 0.8},
		"a device":           {Options{AuditRate: DefaultAuditRate, Server: &Server{}}, 0.8},
		"guard":              {Options{AuditRate: DefaultAuditRate, Guard: true}, 0.8},
		"paper":              {Options{AuditRate: DefaultAuditRate, Policy: PolicyPaper}, 0.3},
		"small":              {Options{AuditRate: DefaultAuditRate, Policy: PolicySmall}, 0},
		"a user's threshold": {Options{AuditRate: DefaultAuditRate, Set: []string{"threshold=0.7"}}, 0.7},
		"a user's prior":     {Options{AuditRate: DefaultAuditRate, Set: []string{"alpha=0.3"}}, 0.8},
	} {
		m, err := c.options.model(pack)
		if err != nil || m.Policy.Threshold != c.want {
			t.Errorf("%s: %+v, %v; want threshold %v", name, m.Policy, err, c.want)
		}
	}
	pack.Audited = nil
	if m, err := (Options{AuditRate: DefaultAuditRate}).model(pack); err != nil || m.Policy.Threshold != 0.8 {
		t.Errorf("a pack without them: %+v, %v", m.Policy, err)
	}
}

func TestModelMemoryReachesTheNets(t *testing.T) {
	pack := &models.Pack{Manifest: models.Manifest{Policy: policy.Settings{Kind: policy.Window}}}
	if m, err := (Options{ModelMemory: 1 << 20}).model(pack); err != nil || m.CacheBytes != 1<<20 {
		t.Errorf("%+v, %v", m, err)
	}
}

// Contradictory options are refused before the pack or a broker is used.
func TestContradictoryOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"":                      {OutcomesTopic: "o", DeadLetterTopic: "d", Policy: PolicyPaper, Full: FullInline, Runner: RunnerPrism, Offset: "7"},
		"--outcomes-topic t":    {OutcomesTopic: "t"},
		"--dead-letter-topic t": {DeadLetterTopic: "t"},
		"--dead-letter-topic x": {DeadLetterTopic: "x", OutcomesTopic: "x"},
		`--policy "FULL"`:       {Policy: "FULL"},
		`--full "Inline"`:       {Full: "Inline"},
		`--runner "spark"`:      {Runner: "spark"},
		"--guard":               {Guard: true, Policy: PolicyFull},
		"--model-memory -1":     {ModelMemory: -1},
		"--parallelism 100000":  {Parallelism: 100_000},
		`--offset "5.5"`:        {Offset: "5.5"},
	} {
		o.Topic = "t"
		if err := o.Contradiction(); (err != nil) != (want != "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want one about %s", err, want)
		}
	}
	if err := (Options{Topic: "t", Runner: RunnerFlink, Parallelism: 100_000}).Contradiction(); err != nil {
		t.Errorf("flink must accept any parallelism: %v", err)
	}
}

// A numeric --offset is clamped to each partition's range: what is produced after the current end is always read.
func TestNumericOffsetStartsWithinEachPartition(t *testing.T) {
	p := kafkaio.Partition{First: 10, End: 20}
	for offset, want := range map[string]int64{"": 10, oldest: 10, newest: 20, "5": 10, "15": 15, "20": 20, "21": 20, "99999": 20} {
		if got := firstOffset(p, offset); got != want {
			t.Errorf("--offset %q begins at %d, want %d", offset, got, want)
		}
	}
}
