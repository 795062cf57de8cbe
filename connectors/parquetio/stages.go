package parquetio

import (
	"encoding/json"
	"fmt"

	"github.com/cachenet/cachenet/connectors/session"
)

// Files that say what the stages of a job took begin with this.
const stagesPrefix = "stages-"

// stageNote is what one stage of one job took.
type stageNote struct {
	Stage  session.Stage `json:"stage"`
	Us     int64         `json:"us"`
	Frames int64         `json:"frames"`
}

// WriteStages stores how long the stages of a job took in this process with the data set at dir; nothing where no frame
// passed one.
func WriteStages(dir string, job *session.Session) error {
	var notes []stageNote
	var all int64
	for _, t := range job.StageTimes() {
		all += t.Frames
		notes = append(notes, stageNote{t.Stage, t.Spent.Microseconds(), t.Frames})
	}
	if all == 0 { // other processes did the work, or there was none
		return nil
	}
	text, err := json.Marshal(notes)
	if err != nil {
		return fmt.Errorf("write stage times: %w", err)
	}
	return WritePrivate(dir, stagesPrefix+FileName(job.ID())+".json", text)
}

// ReadStages adds up what the stages took in the jobs that wrote into the data set at dir and ended by themselves, in µs,
// by the stage's name. It is empty where none did.
func ReadStages(dir string) (map[string]int64, error) {
	sum := map[string]int64{}
	err := readNotes(privateFolder(dir), stagesPrefix, func(notes []stageNote) {
		for _, n := range notes {
			if n.Stage.Known() {
				sum[n.Stage.String()] += n.Us
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read stage times: %w: remove the file", err)
	}
	return sum, nil
}
