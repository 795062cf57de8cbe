package pipelines

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// snapshot is the state of the streams when a run drained. It fits only the same nets under the same policy, and
// only a data set with exactly the rows of that moment: after a crash in between the state would be behind the rows.
type snapshot struct {
	Nets    string                    `json:"nets"`
	Done    map[int32]schemas.Offsets `json:"done"`
	Streams map[string][]byte         `json:"streams"` // encoded policy.State
}

// errOther says that a snapshot does not fit.
var errOther = errors.New("their snapshot belongs to other nets, another policy or other rows")

func snapshotName(topic string) string { return "streams-" + parquetio.FileName(topic) + ".json" }

// keepStreams writes the snapshot after a run that drained.
func keepStreams(dir, topic, nets string, done map[int32]schemas.Offsets, streams map[string][]byte) error {
	text, err := json.Marshal(snapshot{Nets: nets, Done: done, Streams: streams})
	if err != nil {
		return fmt.Errorf("store the state of the streams: %w", err)
	}
	return parquetio.WritePrivate(dir, snapshotName(topic), seal(text))
}

// loadStreams returns the state of each stream from the snapshot; none where there is no snapshot, or one that does not
// fit.
func loadStreams(dir, topic, nets string, heirs []string, done map[int32]schemas.Offsets) (map[string][]byte, error) {
	sealed, err := parquetio.ReadPrivate(dir, snapshotName(topic))
	if err != nil || sealed == nil {
		return nil, err
	}
	streams, err := readSnapshot(sealed, nets, heirs, done)
	if errors.Is(err, errOther) { // after a crash, or where the user chose another pack or policy
		slog.Info("streams start with empty state", "topic", topic, "reason", err)
		return nil, nil
	}
	if err != nil {
		slog.Warn("streams start with empty state", "topic", topic, "error", err)
		return nil, nil
	}
	return streams, nil
}

// removeStreams removes the snapshot, so that it is used once.
func removeStreams(dir, topic string) error { return parquetio.RemovePrivate(dir, snapshotName(topic)) }

// readSnapshot returns the state of each stream, or why the snapshot cannot be used.
func readSnapshot(sealed []byte, nets string, heirs []string, done map[int32]schemas.Offsets) (map[string][]byte, error) {
	text, whole := unseal(sealed)
	if !whole {
		return nil, errors.New("their snapshot is damaged")
	}
	var s snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read their snapshot: %w", err)
	}
	inherited := slices.Contains(heirs, s.Nets) && s.Nets != nets
	if s.Nets != nets && !inherited || !reflect.DeepEqual(s.Done, done) {
		return nil, errOther
	}
	for stream, b := range s.Streams {
		if err := new(policy.State).UnmarshalBinary(b); err != nil {
			return nil, fmt.Errorf("read the state of stream %q in their snapshot: %w", stream, err)
		}
	}
	if inherited {
		return inherit(s.Streams)
	}
	return s.Streams, nil
}

// seal puts a checksum before text: a damaged state may decode without an error and lead to wrong decisions.
func seal(text []byte) []byte { return append([]byte(checksum(text)+"\n"), text...) }

// unseal returns what was sealed, and whether it is unchanged.
func unseal(b []byte) (text []byte, whole bool) {
	sum, text, found := bytes.Cut(b, []byte("\n"))
	return text, found && string(sum) == checksum(text)
}

func checksum(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// inherit makes the states that streams had under other nets those of the present ones: what they saw stays, what was
// learned about the small nets does not.
func inherit(streams map[string][]byte) (map[string][]byte, error) {
	out := make(map[string][]byte, len(streams))
	for name, b := range streams {
		var st policy.State
		if err := st.UnmarshalBinary(b); err != nil {
			return nil, err
		}
		st.Trust, st.Last = policy.Trust{}, policy.Last{}
		b, err := st.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		out[name] = b
	}
	return out, nil
}
