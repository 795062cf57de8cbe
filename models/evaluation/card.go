package evaluation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cachenet/cachenet/models"
)

// Files of the model card in a pack.
const (
	cardJSON     = "card.json"
	CardMarkdown = "card.md"
)

// Card says what a pack is, how it was chosen and what it was compared with.
type Card struct {
	Pack        string      `json:"pack"`
	Classes     int         `json:"classes"`
	Frames      int         `json:"held_out_frames"`
	Sequences   int         `json:"held_out_sequences"`
	Seed        uint64      `json:"seed"`
	Agreement   bool        `json:"agreement,omitempty"` // accuracy means agreement with the full model: nobody labelled the frames
	Budget      Budget      `json:"budget"`
	Certificate Certificate `json:"certificate"`
	Nets        []NetCard   `json:"nets"`              // of the training, shipped or not
	Setups      []Setup     `json:"rivals"`            // as tuned on the choosing part and confirmed
	Chosen      Setup       `json:"chosen"`            // what the pack does
	Audited     *Setup      `json:"audited,omitempty"` // what it does in runs with audits, where that is something else
	Guarded     *Setup      `json:"guarded"`           // Chosen with the rare-class guard on
	Why         []string    `json:"why"`               // in plain words
	Report      *Report     `json:"report"`            // on the reporting part
}

// NetCard is one net as measured on the reporting part.
type NetCard struct {
	Net
	Us       float64 `json:"us"`       // for one frame: one thread, batch of one
	Accuracy float64 `json:"accuracy"` // 0 … 1; of a specialist with its "other"
	ECE      float64 `json:"ece"`      // expected calibration error, 0 … 1
	Ships    string  `json:"ships"`    // file in the pack, empty when it is left out
}

// ReadCard reads the card of a pack; one without has an empty card, with which no rival can be played.
func ReadCard(p *models.Pack) (*Card, error) {
	path := filepath.Join(p.Dir, cardJSON)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Card{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", p.Dir, err)
	}
	var c Card
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &c, nil
}

// net returns what the card says of the net with that checksum.
func (c *Card) net(sha string) (NetCard, bool) {
	for _, n := range c.Nets {
		if n.SHA256 == sha {
			return n, true
		}
	}
	return NetCard{}, false
}
