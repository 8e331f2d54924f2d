import { performance } from 'node:perf_hooks';
import { createRequire } from 'node:module';
import { NETWORKS, load } from '../lib/data.mjs';
import { build } from './networks.mjs';
const [name,threads='2',isa='avx512',reps='5']=process.argv.slice(2);
const net=NETWORKS[name];
const {x,y}=load(net);
const {NativeExecutor}={};
for (let r=0;r<Number(reps);r++){
  const model=build(net,{backend:'native',isa,threads:Number(threads)});
  const c0=process.cpuUsage(), t0=performance.now();
  await model.fit(x,y,{epochs:net.epochs??1,batchSize:net.batch});
  const t1=performance.now(), c=process.cpuUsage(c0);
  console.log('fit',(t1-t0).toFixed(1),'cpu',((c.user+c.system)/1000).toFixed(1));
  const t2=performance.now();
  await model.fit(x,y,{epochs:2*(net.epochs??1),batchSize:net.batch});
  console.log('  fit 2x epochs',(performance.now()-t2).toFixed(1));
  model.dispose();
}
