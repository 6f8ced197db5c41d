import { Site } from './site.ts';
import { Fleet } from './fleet.ts';
import { residentBytes } from './process-figures.ts';
const t=performance.now(); const p=(s:string)=>console.log(((performance.now()-t)/1000).toFixed(1),s);
const site=await Site.start(process.argv.slice(2)); p('site '+site.pid);
const fleet=await Fleet.enrol(site,1100); p('enrolled');
for (let i=0;i<3;i++){
await site.restartDaemon(); p('restarted');
await fleet.connect(0,100); p('connected '+residentBytes(site.pid)/1024);
await new Promise(r=>setTimeout(r,1500)); p('results '+await fleet.results()+' '+residentBytes(site.pid)/1024);
await fleet.connect(100,1100); p('connected '+residentBytes(site.pid)/1024);
await new Promise(r=>setTimeout(r,1500)); p('results '+await fleet.results()+' '+residentBytes(site.pid)/1024);
await new Promise(r=>setTimeout(r,5500)); p('results '+await fleet.results()+' '+residentBytes(site.pid)/1024);
await fleet.disconnect();p('disconnected');
}
await fleet.stop(); p('fleet stopped');
await site.stop(); p('site stopped');
