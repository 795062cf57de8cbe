package transforms

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
)

// Model says which pack the transforms use and how; it travels with the pipeline.
type Model struct {
	PackDir     string          // folder of the pack, the same on every worker
	PackSHA256  string          // of its manifest; the pack must still be that one when it is opened
	Policy      policy.Settings // the pack's own, or what the user asked for instead
	PolicyName  string          // how rows name the policy; empty: the pack's own
	Global      bool            // use the pack's global small net as the only specialist (baselines)
	CacheBytes  int64           // bytes of loaded nets, beyond which specialists leave memory, and the disk where there is a depot; 0: no bound
	Depot       string          // where nets come from one by one while frames flow, see [ShareDepot]; empty: all are in PackDir
	Provider    models.Provider // what the full model runs on; empty: the CPU
	Secret      Secret          // of the coin that chooses the hits to be audited; empty: none are
	Provisional bool            // misses that the full-model transform answers get the small net's answer first
	Offload     offload.Mode    // on a device: what becomes of misses
	Shrink      bool            // on a device: misses are sent as the full model's input shows them, where that is fewer bytes
	FullTimeout time.Duration   // with Provisional: how long the full model is waited for
	Job         string          // id of the job, for its Memory and its Watch; empty: none
	Early       bool            // somebody waits for outcomes: where there is a Memory, those that are settled do not wait for the full model
}

// Secret is the key of the audits' coin, in hexadecimal. It travels with the pipeline, and is never printed.
type Secret string

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides it from %#v.
func (Secret) GoString() string { return "(secret)" }

// coin returns a coin of its own for one goroutine, nil when nothing is audited.
func (n *nets) coin() *audit.Coin {
	if len(n.secret) == 0 {
		return nil
	}
	return audit.NewCoin(n.secret)
}

// nets is a pack ready to answer, shared by all DoFns of a process that use the same Model.
type nets struct {
	pack        *models.Pack
	sessions    *models.Sessions
	policy      *policy.Policy
	id          string            // of the pack
	decider     string            // name of the policy; empty: the pack's own
	provisional bool              // misses get the small net's answer first
	spares      bool              // misses keep the small net's answer: it may be that nobody is asked
	shrinks     bool              // misses are sent as the full model's input shows them
	otherServer *atomic.Bool      // the server's full model is not this pack's
	secret      []byte            // of the audits' coin; empty: nothing is audited
	classes     map[string]int    // number of each class
	names       []string          // of the specialists
	sha         map[string]string // net name → sha256
}

// open returns the nets of the model, opening the pack the first time: a runner makes many instances of a DoFn, and
// each must not load the pack again. A failure is not remembered.
func (m Model) open() (*nets, error) {
	m.Job = ""              // jobs share nets
	depot, err := m.depot() // before, since what is shared is opened under one mutex
	if err != nil {
		return nil, err
	}
	return session.Shared(m, func() (*nets, error) { return m.load(depot) })
}

// Drop closes the nets of the model when no job uses them any more, so that their memory can be had again.
func (m Model) Drop() {
	m.Job = ""
	if n, ok := session.Unshare[Model, *nets](m); ok {
		n.sessions.Close()
	}
}

// depotKey names a depot of this process.
type depotKey string

// ShareDepot lets models of this process use a depot under that name. The first one of a name stays.
func ShareDepot(name string, depot models.Depot) error {
	_, err := session.Shared(depotKey(name), func() (models.Depot, error) { return depot, nil })
	return err
}

// UnshareDepot ends that.
func UnshareDepot(name string) { session.Unshare[depotKey, models.Depot](depotKey(name)) }

// depot returns the model's depot, nil for none.
func (m Model) depot() (models.Depot, error) {
	if m.Depot == "" {
		return nil, nil
	}
	return session.Shared(depotKey(m.Depot), func() (models.Depot, error) {
		return nil, fmt.Errorf("pack %s: its cache %s is not open in this process", m.PackDir, m.Depot)
	})
}

// Pack opens the pack of the model.
func (m Model) Pack() (*models.Pack, error) {
	depot, err := m.depot()
	if err != nil {
		return nil, err
	}
	return m.packFrom(depot)
}

func (m Model) packFrom(depot models.Depot) (*models.Pack, error) {
	if depot == nil {
		return models.OpenPack(m.PackDir)
	}
	return models.OpenPackIn(m.PackDir, depot)
}

func (m Model) load(depot models.Depot) (*nets, error) {
	pack, err := m.packFrom(depot)
	if err != nil {
		return nil, err
	}
	if m.PackSHA256 != "" && m.PackSHA256 != pack.SHA256 {
		return nil, fmt.Errorf("pack %s: its manifest is not the one that the job began with", m.PackDir)
	}
	pack.Manifest, pack.FullOn = pack.For(m.Policy.Kind), m.Provider
	if m.Global {
		small, ok := pack.Global()
		if !ok {
			return nil, fmt.Errorf("pack %s: has no global small net", m.PackDir)
		}
		pack.Specialists = []models.NetEntry{small}
	}
	checked := m.Policy
	if checked.Teacher == policy.Feedback { // no pack has it; misses and their answers are the only difference
		checked.Teacher = policy.Inline
	}
	if err := checked.Validate(len(pack.Specialists), pack.Selector != nil); err != nil {
		return nil, fmt.Errorf("pack %s: policy: %w", m.PackDir, err)
	}
	n := &nets{pack: pack, sessions: models.NewSessions(pack, m.CacheBytes), policy: pack.PolicyWith(m.Policy), id: pack.ID(), decider: m.PolicyName, classes: classesOf(pack), sha: map[string]string{}, provisional: m.Provisional, shrinks: m.Shrink, otherServer: new(atomic.Bool)}
	n.spares = m.Offload == offload.ModeAuto || m.Offload == offload.ModeAlone
	if m.Policy.Teacher == policy.Feedback {
		n.policy.Cost = 0 // of the full model here, which is not asked: a provisional answer needs the small net's
	}
	if m.Provider.Accelerated() { // a worker without it must not make an error of every frame
		if err := n.sessions.Load(models.FullNet, pack.Full); err != nil {
			return nil, err
		}
	}
	if n.secret, err = hex.DecodeString(string(m.Secret)); err != nil {
		return nil, errors.New("audit secret is not hexadecimal")
	}
	n.sha[models.FullNet] = pack.Full.SHA256
	if pack.Selector != nil {
		n.sha[models.SelectorNet] = pack.Selector.SHA256
	}
	for i, s := range pack.Specialists {
		n.names = append(n.names, models.SpecialistNet(i))
		n.sha[n.names[i]] = s.SHA256
	}
	return n, nil
}

const netsPart = "transforms.Nets"

// attach lets the job find the nets that answer its frames.
func (n *nets) attach(job *session.Session) error {
	_, err := session.Part(job, netsPart, func() (*nets, error) { return n, nil })
	return err
}

// SessionCounts returns what the cache of loaded nets that answers the job's frames did in this process so far; nothing
// before the first frame, or where other processes answer.
func SessionCounts(job *session.Session) (models.SessionCounts, bool) {
	s, ok := SessionsOf(job)
	if !ok {
		return models.SessionCounts{}, false
	}
	return s.Counts(), true
}

// SessionsOf returns that cache. Jobs of a run share it while the pack stays the same.
func SessionsOf(job *session.Session) (*models.Sessions, bool) {
	n, ok := session.Get[*nets](job, netsPart)
	if !ok {
		return nil, false
	}
	return n.sessions, true
}

// see returns how a net of the pack looks at a frame.
func (n *nets) see(e models.NetEntry) picture.View { return n.pack.InputOf(e).View }

// frameNets answers about one frame and keeps the time each net took; it is the policy's view of the models. What a
// call returns is valid until the next one.
type frameNets struct {
	*nets
	known  *Known // the full model's answers from before; nil: none
	look   *look
	others models.Picture // the frame, for nets that do not look at it as look.view does
	logits []float32
	wanted bool     // the full model's answer, which is not there yet
	absent []string // nets that are not on this machine

	small   policy.Thumbnail // of the frame …
	reduced bool             // … once it was made

	specialistUs, selectorUs, fullUs float32
}

// errWanted is what the policy sees where the full model has yet to be asked; the decision is then thrown away.
var errWanted = errors.New("the full model has not been asked yet")

// show turns to another frame.
func (f *frameNets) show(l *look) {
	f.others.Show(l.frame)
	f.look, f.wanted, f.absent, f.reduced = l, false, f.absent[:0], false
	f.specialistUs, f.selectorUs, f.fullUs = l.each, 0, 0
}

func (f *frameNets) Specialist(i int) ([]float32, error) {
	return f.run(f.names[i], f.pack.Specialists[i], &f.specialistUs)
}

func (f *frameNets) Selector() ([]float32, error) {
	return f.run(models.SelectorNet, *f.pack.Selector, &f.selectorUs)
}

// Picture reduces what the frame was decoded to, for the small net or for the full model.
func (f *frameNets) Picture() (*policy.Thumbnail, bool) {
	l := f.look
	if l.skipped || len(l.pixels) == 0 {
		return nil, false
	}
	if !f.reduced {
		f.small.Reduce(l.pixels, l.view.Width, l.view.Height)
		f.reduced = true
	}
	return &f.small, true
}

// Full answers with what the full model said before, or when it was asked about several frames.
func (f *frameNets) Full() ([]float32, error) {
	if f.known != nil {
		f.logits = slices.Grow(f.logits[:0], len(f.pack.Classes))[:len(f.pack.Classes)]
		if us, ok := f.known.logits(f.logits, Place{f.look.frame.Partition, f.look.frame.Offset}, f.nets); ok {
			f.fullUs += us
			return f.logits, nil
		}
	}
	if !f.look.asked {
		f.wanted = true
		return nil, errWanted
	}
	f.fullUs += f.look.full.us
	return f.look.full.logits, f.look.full.err
}

func (f *frameNets) run(name string, e models.NetEntry, us *float32) ([]float32, error) {
	pixels, view := f.look.pixels, f.see(e)
	if view != f.look.view || f.look.skipped {
		var err error
		if pixels, err = f.others.Pixels(view); err != nil {
			return nil, err
		}
	}
	n := e.Outputs(len(f.pack.Classes))
	f.logits = slices.Grow(f.logits[:0], n)[:n]
	took, err := f.sessions.Answer(f.logits, name, e, pixels, 1)
	*us += micros(took)
	if errors.Is(err, policy.ErrAbsent) {
		f.absent = append(f.absent, name)
	}
	return f.logits, err
}

func micros(d time.Duration) float32 { return float32(d.Nanoseconds()) / 1000 }
