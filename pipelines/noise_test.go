package pipelines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/schemas"
)

// noise generates malformed records: random bytes, real images truncated, with flipped bits or mislabelled, sizes that
// exceed any memory, keys and headers of any content.
type noise struct {
	*rand.Rand
	images [][]byte
}

func (n noise) bytes(limit int) []byte {
	b := make([]byte, n.IntN(limit))
	for i := range b {
		b[i] = byte(n.Uint32())
	}
	return b
}

// pick returns one of the choices.
func pick[T any](n noise, choices ...T) T { return choices[n.IntN(len(choices))] }

// rarely is true for one in eight.
func (n noise) rarely() bool { return n.IntN(8) == 0 }

func (n noise) image() []byte {
	b := bytes.Clone(pick(n, n.images...))
	if !n.rarely() {
		return b
	}
	switch n.IntN(3) {
	case 0:
		return b[:n.IntN(len(b))]
	case 1:
		return n.bytes(2000)
	}
	for range 1 + n.IntN(20) {
		b[n.IntN(len(b))] = byte(n.Uint32())
	}
	return b
}

func (n noise) record() kafka.Message {
	m := kafka.Message{Key: []byte("cam-1"), Value: n.image()}
	if n.rarely() {
		m.Key = pick(n, []byte("cam-2"), nil, []byte{}, n.bytes(40), n.bytes(3000))
	}
	kind := []byte(schemas.JPEG)
	if n.rarely() {
		kind = pick(n, []byte(schemas.PNG), []byte(schemas.RGB8), []byte("text/html; x=\""), n.bytes(300))
	}
	m.Headers = append(m.Headers, kafka.Header{Key: schemas.HeaderContentType, Value: kind})
	for _, key := range []string{schemas.HeaderWidth, schemas.HeaderHeight, schemas.HeaderSequence} {
		if n.rarely() {
			m.Headers = append(m.Headers, kafka.Header{Key: key, Value: pick(n, []byte("1"), []byte("-1"), []byte("99999999999999999999"),
				[]byte("2147483647"), []byte("65536"), []byte("1e9"), n.bytes(10))})
		}
	}
	if n.rarely() {
		m.Headers = append(m.Headers, kafka.Header{Key: schemas.HeaderLabel, Value: n.bytes(400)}, kafka.Header{Key: string(n.bytes(20)), Value: n.bytes(50)})
	}
	return m
}

func TestTenThousandMalformedRecordsGetARowEach(t *testing.T) {
	paths, err := filepath.Glob("../testdata/images/*/*")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, paths)
	}
	n := noise{Rand: rand.New(rand.NewPCG(1, 2))}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		n.images = append(n.images, b)
	}
	s := newSite(t, 4)
	for range 20 {
		batch := make([]kafka.Message, 500)
		for i := range batch {
			batch[i] = n.record()
		}
		s.raw(t, batch...)
	}
	o := s.options(t)
	o.OutcomesTopic = s.topic + "-outcomes"
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range s.rows(t, o.Out) {
		counts[r.Outcome]++
	}
	t.Log(counts)
	if counts[schemas.Error] < 1000 || counts[schemas.Hit]+counts[schemas.Miss] < 100 {
		t.Errorf("records are not mixed: %v", counts)
	}
	s.checkSchema(t, o.OutcomesTopic, s.sent)
}

// checkSchema validates every record of the outcomes topic against the published schema.
func (s *site) checkSchema(t *testing.T, topic string, want int) {
	t.Helper()
	text, err := os.ReadFile("../docs/outcome.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, m := range s.records(t, topic) {
		var o map[string]any
		if err := json.Unmarshal(m.Value, &o); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(o); err != nil {
			t.Fatalf("%s: %v", m.Value, err)
		}
		ids[fmt.Sprint(o["topic"], o["partition"], o["offset"])] = true
	}
	if len(ids) != want {
		t.Errorf("%d outcomes in the topic, want %d", len(ids), want)
	}
}
