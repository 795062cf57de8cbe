package schemas

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The classes that a server lists reach its sink, inside the pipeline and as JSON, and rows without any say nothing of them.
func TestListedClassesTravel(t *testing.T) {
	o := Outcome{Label: "cat", Top: []Ranked{{"cat", 0.75}, {"dog", 0.2}}}
	b, err := (&Outcomes{Rows: []Outcome{o}}).MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back Outcomes
	if _, err := back.UnmarshalMsg(b); err != nil || len(back.Rows) != 1 || !slices.Equal(back.Rows[0].Top, o.Top) {
		t.Errorf("%+v, %v", back, err)
	}
	text, err := json.Marshal(&o)
	if want := `"top":[{"label":"cat","p":0.75},{"label":"dog","p":0.2}]`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s, %v", text, err)
	}
	o.Top = nil
	if text, _ := json.Marshal(&o); strings.Contains(string(text), `"top"`) {
		t.Errorf("%s", text)
	}
}
