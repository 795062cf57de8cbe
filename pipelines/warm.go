package pipelines

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// snapshot is what the streams knew when a run drained. It fits only the same nets under the same policy, and
// only a data set that holds exactly what it held then: a crash in between would make it teach wrongly.
type snapshot struct {
	Nets    string                    `json:"nets"`
	Done    map[int32]schemas.Offsets `json:"done"`
	Streams map[string][]byte         `json:"streams"` // encoded policy.State
}

// netsOf names the nets of a pack and what decides about them.
func netsOf(p *models.Pack, m transforms.Model) (string, error) {
	shas := []string{p.Full.SHA256}
	for _, n := range p.Specialists {
		shas = append(shas, n.SHA256)
	}
	text, err := json.Marshal(map[string]any{"pack": p.ID(), "nets": shas, "policy": m.Policy, "global": m.Global})
	if err != nil {
		return "", fmt.Errorf("name the nets of pack %s: %w", p.ID(), err)
	}
	return string(text), nil
}

func (j job) snapshotName() string { return "streams-" + j.Group + ".json" }

// recall returns what the streams knew when the last run drained, and removes it, so that it is used once.
// Nothing where it does not fit: the streams begin cold.
func (j job) recall(k known) (map[string][]byte, error) {
	text, err := parquetio.ReadPrivate(j.Out, j.snapshotName())
	if err != nil || text == nil {
		return nil, err
	}
	if err := parquetio.RemovePrivate(j.Out, j.snapshotName()); err != nil {
		return nil, err
	}
	return j.fitting(text, k), nil
}

// fitting returns what the streams knew, from what keep wrote; nothing where that is damaged or does not fit.
func (j job) fitting(sealed []byte, k known) map[string][]byte {
	text, whole := unseal(sealed)
	if !whole {
		slog.Warn("what the streams knew is damaged: they begin cold")
		return nil
	}
	var s snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		slog.Warn("what the streams knew cannot be read: they begin cold", "error", err)
		return nil
	}
	if s.Nets != j.nets || !reflect.DeepEqual(s.Done, k.done) {
		slog.Info("what the streams knew does not fit: they begin cold")
		return nil
	}
	for name, b := range s.Streams {
		if err := new(policy.State).UnmarshalBinary(b); err != nil {
			slog.Warn("what the streams knew was written by another version: they begin cold", "stream", name, "error", err)
			return nil
		}
	}
	return s.Streams
}

// keep writes down what the streams know after a run that drained.
func (j job) keep(done map[int32]schemas.Offsets, streams map[string][]byte) error {
	text, err := json.Marshal(snapshot{Nets: j.nets, Done: done, Streams: streams})
	if err != nil {
		return fmt.Errorf("keep what the streams know: %w", err)
	}
	return parquetio.WritePrivate(j.Out, j.snapshotName(), seal(text))
}

// seal puts a checksum before text: a damaged state may read well and decide badly.
func seal(text []byte) []byte { return append([]byte(checksum(text)+"\n"), text...) }

// unseal returns what was sealed, and whether it is as it was.
func unseal(b []byte) (text []byte, whole bool) {
	sum, text, found := bytes.Cut(b, []byte("\n"))
	return text, found && string(sum) == checksum(text)
}

func checksum(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }
